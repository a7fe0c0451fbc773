import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import sharp from "sharp";
import { ablationTable } from "#lib/evaluate/ablation-table";
import { ablationHeatMap } from "#lib/plots/ablation-heat-map";
import { openBrowser } from "#lib/plots/browser";
import type { Figure } from "#lib/plots/figure";
import { figureRegistry } from "#lib/plots/registry";
import { trainingCurves } from "#lib/plots/training-curves";
import { digest, overlaps, TEXT_BOXES } from "./support";

const dist = join(__dirname, "../../lib/dist");
/** The files that read, write or start a browser; nothing else of these rooms may need Node. */
const ofNode = /(-file|^render|^export-figures|^encode-by-sharp|^unpack-chromium|^browser)\.js$/;

describe("tables and figures in a browser", () => {
  it("are drawn as they are here", async function () {
    this.timeout(120_000);
    const files = ["core", "evaluate", "plots"].flatMap((room) =>
      readdirSync(join(dist, room))
        .filter((file) => file.endsWith(".js") && !ofNode.test(file))
        .map((file) => join(dist, room, file)),
    );
    const { outputFiles, metafile } = await build({
      stdin: {
        contents: [
          ...files.map((file) => `import ${JSON.stringify(file)};`),
          `export { figureRegistry } from ${JSON.stringify(join(dist, "plots/registry.js"))};`,
          `export { pictureUris } from ${JSON.stringify(join(dist, "plots/pictures.js"))};`,
        ].join("\n"),
        resolveDir: dist,
      },
      bundle: true,
      write: false,
      metafile: true,
      platform: "browser",
      format: "iife",
      globalName: "tuningFork",
      logLevel: "silent",
    });
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
    assert.deepEqual(
      imports.filter(({ path }) => isBuiltin(path)),
      [],
    );

    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      await page.addScriptTag({ content: outputFiles[0].text });
      for (const name of Object.keys(figureRegistry)) {
        const there = await page.evaluate<Figure>(
          `tuningFork.figureRegistry[${JSON.stringify(name)}]({})`,
        );
        const here: Figure = JSON.parse(JSON.stringify(await figureRegistry[name]({})));
        assert.deepEqual(digest(there), digest(here), name);
      }
      const [uri] = await page.evaluate<string[]>(
        `tuningFork.pictureUris(Uint8Array.of(255, 0, 9, 40, 200, 0), [1, 2], { format: "png" })`,
      );
      const file = Buffer.from(uri.replace("data:image/png;base64,", ""), "base64");
      assert.deepEqual(
        [...(await sharp(file).removeAlpha().raw().toBuffer())],
        [255, 0, 9, 40, 200, 0],
      );
    } finally {
      await browser.close();
    }
  });

  it("keep numbers in their cells and off their titles where a page lacks their font", async function () {
    this.timeout(60_000);
    const scores = Object.fromEntries(
      Array.from({ length: 10 }, (_, c) => [`loose spiral ${c}`, 1]),
    );
    const runs = Array.from({ length: 5 }, (_, i) => ({
      ...{ model: `ResNet ${i}`, trainedOn: "Unbalanced", testedOn: "Unbalanced" },
      ...{ metrics: { accuracy: 1 }, breakdown: { name: "recall", overall: "accuracy", scores } },
    }));
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      await page.setContent("<!doctype html><div id='figure'></div>");
      await page.addScriptTag({ path: require.resolve("plotly.js-dist-min") });
      const draw = async ({ data, layout }: Figure) => {
        // Every letter of 0.6 em: the digits are wider than those of most fonts.
        const shown = { data, layout: { ...layout, font: { family: "monospace" } } };
        await page.evaluate(`Plotly.newPlot("figure", ${JSON.stringify(shown)}).then(() => {})`);
      };
      await draw(ablationHeatMap(ablationTable(runs)));
      const [cell, text] = await page.evaluate<number[]>(
        `[".shapelayer path", ".textpoint text"].map((s) => document.querySelector(s).getBoundingClientRect().width)`,
      );
      assert.ok(text > 15 && text < cell, `a number of ${text} px in a cell of ${cell} px`);

      // So few rows that plotly makes them no room of its own.
      const named = { name: "recall", overall: "accuracy", scores: { completely_round_smooth: 1 } };
      await draw(ablationHeatMap(ablationTable([{ ...runs[0], breakdown: named }])));
      const [sheet, ...tops] = await page.evaluate<number[]>(
        `["#figure svg", ".xtick text"].flatMap((s) => [...document.querySelectorAll(s)].slice(0, s.startsWith("#") ? 1 : 9).map((node) => node.getBoundingClientRect().top))`,
      );
      assert.equal(tops.length, 2);
      assert.ok(Math.min(...tops) >= sheet - 1, `a name at ${tops}, the sheet at ${sheet}`);

      await draw(trainingCurves({ trainLoss: [2.1026, 2.1025], valLoss: [2.10262, 2.10261] }));
      assert.deepEqual(overlaps(await page.evaluate(TEXT_BOXES)), []);
    } finally {
      await browser.close();
    }
  });
});
