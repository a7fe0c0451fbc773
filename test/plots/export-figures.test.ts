import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { UserError } from "#lib/core/errors";
import { openBrowser } from "#lib/plots/browser";
import { embeddingScatter } from "#lib/plots/embedding-scatter";
import { exampleEmbedding, exampleImages } from "#lib/plots/examples";
import { exportFigure, figureHtml } from "#lib/plots/export-figures";
import { pictureUris } from "#lib/plots/pictures";
import { figureRegistry } from "#lib/plots/registry";
import { NOTEBOOK_THUMBNAILS, SHOW_THUMBNAILS } from "#lib/plots/thumbnails";

describe("export", () => {
  const folder = mkdtempSync(join(tmpdir(), "export-"));
  after(() => rmSync(folder, { recursive: true }));

  it("takes width and resolution", async () => {
    const figure = await figureRegistry["confusion-matrix"]({});
    const path = join(folder, "new", "wide");
    await exportFigure(figure, path, { formats: ["png", "svg"], widthMm: 180, dpi: 150 });
    const { width, height, density } = await sharp(`${path}.png`).metadata();
    assert.deepEqual({ width, height, density }, { width: 1063, height: 1063, density: 150 });
    assert.match(readFileSync(`${path}.svg`, "utf8"), /width="180mm" height="180mm"/);
    assert.ok(!existsSync(`${path}.pdf`));
  });

  it("refuses what it cannot do, and names the figure", async () => {
    const figure = await figureRegistry["training-curves"]({});
    const path = join(folder, "refused");
    await assert.rejects(exportFigure(figure, path, { widthMm: 0 }), /width in millimeters is 0/);
    await assert.rejects(exportFigure(figure, path, { dpi: Number.NaN }), /dpi is NaN/);
    const formats = ["jpg"] as unknown as ["png"];
    await assert.rejects(exportFigure(figure, path, { formats }), /"jpg" is no format/);
    const broken = { data: figure.data, layout: { width: 400, height: 0 } };
    await assert.rejects(exportFigure(broken, path), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.problem, /refused cannot be drawn/);
      return true;
    });
  });

  it("without a browser says so and writes interactive pages", async () => {
    const before = process.env.TUNING_FORK_BROWSER;
    process.env.TUNING_FORK_BROWSER = "/nowhere/chromium";
    try {
      const figure = await figureRegistry["training-curves"]({});
      await assert.rejects(exportFigure(figure, join(folder, "curves")), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.problem, /\/nowhere\/chromium, which cannot be executed/);
        assert.match(error.problem, /curves\.html/);
        assert.match(error.remedy, /Install Chromium/);
        return true;
      });
      assert.ok(existsSync(join(folder, "curves.html")));
    } finally {
      if (before === undefined) delete process.env.TUNING_FORK_BROWSER;
      else process.env.TUNING_FORK_BROWSER = before;
    }
  });

  it("writes pages that draw, hover and show thumbnails, without network", async function () {
    this.timeout(60_000);
    const embedding = exampleEmbedding();
    const [thumbnail] = await pictureUris(exampleImages(1), [64, 64], { longest: 48 });
    const thumbnails = embedding.ids.map(() => thumbnail);
    const html = await figureHtml(embeddingScatter({ ...embedding, thumbnails }), "points");
    // A notebook has a renderer of its own, and the script that looks for figures.
    const notebook = NOTEBOOK_THUMBNAILS + html.replace(`.then(${SHOW_THUMBNAILS})`, "");
    const browser = await openBrowser();
    try {
      for (const content of [html, notebook]) {
        const page = await browser.newPage();
        await page.route("**/*", (route) => route.abort());
        await page.setContent(content);
        await page.waitForSelector(".scatterlayer .point");
        await page.evaluate(
          `Plotly.Fx.hover(document.getElementById("figure"), [{ curveNumber: 2, pointNumber: 0 }])`,
        );
        await page.waitForSelector(".hovertext");
        const first = page.locator(".scatterlayer .trace:nth-child(3) .point").first();
        const box = await first.boundingBox();
        assert.ok(box);
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
        await page.waitForSelector("body > img", { state: "visible" });
        // The picture stays inside a window that ends right below and beside the point.
        await page.mouse.move(0, 0);
        const [width, height] = [box.x, box.y].map((place) => Math.round(place) + 40);
        await page.setViewportSize({ width, height });
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
        await page.waitForSelector("body > img", { state: "visible" });
        const picture = await page.locator("body > img").boundingBox();
        assert.ok(picture && picture.x + picture.width <= width, "the picture is cut off");
        assert.ok(picture.y + picture.height <= height, "the picture is cut off below");
        await page.close();
      }
    } finally {
      await browser.close();
    }
  });
});
