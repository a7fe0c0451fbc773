import { strict as assert } from "node:assert";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { openBrowser } from "#lib/plots/browser";
import { ROOT } from "../notebook/support";
import { type JupyterLab, startJupyterLab } from "./jupyter-lab";
import { inkOf, NotebookPage, pointsOf } from "./notebook-page";

const NOTEBOOK = process.env.TUNING_FORK_E2E_NOTEBOOK ?? "00-quickstart.ipynb";
const CELL_MS = 150_000;

/** So that the live curve has something to grow by (the quotes are escaped: it goes into JSON). */
const SEVERAL_EPOCHS = 'set: string[] = [\\"train.epochs=3\\"]';

interface NotebookFile {
  readonly cells: readonly { readonly cell_type: string; readonly source: string | string[] }[];
}

describe("the quickstart in JupyterLab", function () {
  this.timeout(10 * 60_000);
  const results = join(ROOT, "results", "e2e");
  const work = join(results, "work");
  let lab: JupyterLab | undefined;
  let browser: Browser | undefined;
  let page: Page | undefined;

  /** JupyterLab works on a copy: the committed notebook must stay without outputs. */
  function copyNotebook(): NotebookFile {
    rmSync(results, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    cpSync(join(ROOT, "notebooks"), join(work, "notebooks"), { recursive: true });
    const path = join(work, "notebooks", NOTEBOOK);
    const text = readFileSync(path, "utf8").replace("set: string[] = []", SEVERAL_EPOCHS);
    assert.ok(text.includes("train.epochs=3"), "the notebook's cell of parameters is another");
    writeFileSync(path, text);
    return JSON.parse(text);
  }

  after(async () => {
    await page?.screenshot({ path: join(results, "end.png") });
    await browser?.close();
    await lab?.stop();
  });

  it("runs cell by cell, shows progress, and draws its figures", async () => {
    const { cells } = copyNotebook();
    lab = await startJupyterLab(work, {
      TUNING_FORK_PROFILE: "test",
      TUNING_FORK_RESULTS: join(results, "runs"),
    });
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const hosts = new Set<string>();
    page.on("request", (request) => hosts.add(new URL(request.url()).hostname));
    await page.goto(lab.address(`notebooks/${NOTEBOOK}`));
    const notebook = new NotebookPage(page);
    await notebook.ready();
    await page.screenshot({ path: join(results, "opened.png") });

    let progressSeen: string[] = [];
    let figures = 0;
    for (const [index, cell] of cells.entries()) {
      const said = await notebook.run(index, CELL_MS);
      if (cell.cell_type !== "code") continue;
      assert.equal(await notebook.complaints(index), "", `cell ${index}`);
      const progress = said.filter((text) => /\d+ %/.test(text));
      const longest = progress.length > progressSeen.length;
      if (longest) progressSeen = progress;
      for (const figure of await notebook.figures(index)) {
        await page.waitForTimeout(300); // plotly's own transitions
        const ink = await inkOf(figure);
        assert.ok(ink > 0.01, `cell ${index}: ${(100 * ink).toFixed(2)} % of the figure is drawn`);
        if (longest) assert.ok((await pointsOf(figure)) >= 2, "the live curve did not grow");
        figures++;
      }
      await notebook.picture(index, join(results, `cell-${String(index).padStart(2, "0")}.png`));
    }
    assert.deepEqual(
      [...hosts].filter((host) => host !== "127.0.0.1" && host !== ""),
      [],
    );
    assert.ok(figures >= 3, `${figures} figures`);
    const shares = progressSeen.map((text) => Number(/(\d+) %/.exec(text)?.[1]));
    assert.ok(new Set(shares).size >= 3, `progress seen: ${shares.join(", ")}`);
    assert.deepEqual(
      shares,
      shares.toSorted((a, b) => a - b),
    );
  });
});
