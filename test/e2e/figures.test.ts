import { strict as assert } from "node:assert";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { openBrowser } from "#lib/plots/browser";
import { ROOT } from "../notebook/support";
import { type JupyterLab, startJupyterLab } from "./jupyter-lab";
import { inkOf, NotebookPage } from "./notebook-page";

const CELL_MS = 90_000;

const CELLS = [
  `import { attentionGrid, confusionMatrix, pictureUris, showFigure, showTable } from "tuning-fork";
showFigure(await attentionGrid({
  maps: Float32Array.from({ length: 3 * 3 * 49 }, (_, i) => Math.sin(i)), mapSize: [7, 7],
  rowLabels: ["layer 1", "layer 2", "layer 3"], columnLabels: ["head 1", "head 2", "head 3"],
}));`,
  `showFigure(confusionMatrix({
  perClass: [{ name: "Spiral" }, { name: "Round" }, { name: "Edge-on" }],
  confusion: [[8, 1, 1], [0, 12, 0], [2, 0, 5]],
}));`,
  `const pictures = await pictureUris(Uint8Array.from({ length: 4 * 192 }, (_, i) => i % 256), [8, 8]);
showTable({ galaxy: ["b", "a", "d", "c"], size: [2.5, NaN, 10.5, -1] }, { pictures });`,
  `import { valueScatter } from "tuning-fork";
const map = { x: [0, 1, 2], y: [0, 1, 0], values: [1, 2, 3], ids: ["a", "b", "c"], thumbnails: pictures.slice(0, 3) };
showFigure(valueScatter(map, { title: "redshift" }));`,
];

describe("figures and tables in JupyterLab", function () {
  this.timeout(5 * 60_000);
  const results = join(ROOT, "results", "e2e-figures");
  let lab: JupyterLab;
  let browser: Browser;
  let page: Page;
  let notebook: NotebookPage;

  before(async () => {
    rmSync(results, { recursive: true, force: true });
    const work = join(results, "work");
    mkdirSync(work, { recursive: true });
    const { metadata, nbformat, nbformat_minor } = JSON.parse(
      readFileSync(join(ROOT, "notebooks", "00-quickstart.ipynb"), "utf8"),
    );
    const cells = CELLS.map((source, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      metadata: {},
      source,
      execution_count: null,
      outputs: [],
    }));
    const file = { metadata, nbformat, nbformat_minor, cells };
    writeFileSync(join(work, "figures.ipynb"), JSON.stringify(file));
    lab = await startJupyterLab(work, {});
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    await page.goto(lab.address("figures.ipynb"));
    notebook = new NotebookPage(page);
    await notebook.ready();
    for (const index of CELLS.keys()) {
      await notebook.run(index, CELL_MS);
      assert.equal(await notebook.complaints(index), "", `cell ${index}`);
    }
  });

  after(async () => {
    await page?.screenshot({ path: join(results, "end.png") });
    await browser?.close();
    await lab?.stop();
  });

  for (const { index, name, label } of [
    { index: 0, name: "attention grid", label: /layer \d, head \d/ },
    {
      index: 1,
      name: "confusion matrix",
      label: /True class: Round.*Predicted class: Round.*12 galaxies/,
    },
  ]) {
    it(`draws the ${name}, tells what is under the pointer, and saves it by its button`, async () => {
      const [figure] = await notebook.figures(index);
      assert.ok(figure, "no figure");
      assert.ok((await inkOf(figure)) > 0.05, "nothing is drawn");

      // The middle of a cell of the figure, for both.
      const box = await figure.locator(".nsewdrag").first().boundingBox();
      assert.ok(box);
      await page.mouse.move(box.x + box.width / 2 - 4, box.y + box.height / 2 - 4);
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
      const hover = figure.locator(".hoverlayer .hovertext");
      await hover.first().waitFor({ timeout: 5_000 });
      assert.match((await hover.allTextContents()).join(" "), label);
      await page.screenshot({ path: join(results, `hover-${index}.png`) });

      const saved = page.waitForEvent("download", { timeout: 15_000 });
      await figure.locator('.modebar-btn[data-title^="Download"]').click();
      const path = join(results, `saved-${index}.png`);
      await (await saved).saveAs(path);
      const { format, width } = await sharp(path).metadata();
      assert.equal(format, "png");
      assert.ok(width > 200, `${width} pixels wide`);
      const { channels } = await sharp(path).stats();
      assert.ok(
        channels.some(({ stdev }) => stdev > 5),
        "the picture is empty",
      );
    });
  }

  it("shows the picture of the point under the pointer", async () => {
    const [figure] = await notebook.figures(3);
    assert.ok(figure, "no figure");
    const box = await figure.locator(".scatterlayer .point").nth(1).boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x - 9, box.y - 9);
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
    const picture = page.locator("img.tuning-fork-thumbnail").first();
    await picture.waitFor({ state: "visible", timeout: 5_000 });
    await page.screenshot({ path: join(results, "thumbnail.png") });
    await page.mouse.move(box.x + 60, box.y + 60, { steps: 4 });
    await picture.waitFor({ state: "hidden", timeout: 5_000 });
  });

  it("sorts a table by the column that is clicked, its rows' pictures with it", async () => {
    const cell = notebook.cell(2);
    const rows = () =>
      cell
        .locator("tbody tr")
        .evaluateAll((all) => all.map((row) => row.children[1].textContent).join(""));
    const drawn = () =>
      cell
        .locator("tbody img")
        .evaluateAll((all) => (all as { naturalWidth?: number }[]).map((i) => i.naturalWidth));
    const source = () =>
      cell
        .locator("tbody tr", { has: page.getByText("d", { exact: true }) })
        .locator("img")
        .getAttribute("src");
    assert.deepEqual(await drawn(), [8, 8, 8, 8]);
    const own = await source();
    const click = (name: string) => cell.locator("th", { hasText: name }).click();
    await click("galaxy");
    assert.equal(await rows(), "abcd");
    await click("size");
    assert.equal(await rows(), "cbda", "numbers by value, what is none last");
    await click("size");
    assert.equal(await rows(), "adbc");
    assert.equal(await source(), own);
    await notebook.picture(2, join(results, "table.png"));
  });
});
