import { strict as assert } from "node:assert";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { openBrowser } from "#lib/plots/browser";
import { notebookOf, ROOT } from "../notebook/support";
import { type JupyterLab, startJupyterLab } from "./jupyter-lab";
import { NotebookPage, pointsOf } from "./notebook-page";

/** What a training shows, without one; it waits for a file after a tenth and after three quarters. */
const CELL = `import { liveFigure, progress } from "tuning-fork";
import { existsSync } from "node:fs";
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const file = async (name: string) => { while (!existsSync(name)) await pause(20); };
const bar = progress(80, "training"), curve = liveFigure();
for (let i = 1; i <= 80; i++) {
  await pause(10);
  bar.update(i);
  curve.update({ data: [{ type: "scatter", y: Array.from({ length: i }, (_, j) => 1 / (j + 1)) }], layout: { height: 200 } });
  if (i === 8) await file("closed");
  if (i % 10 === 0) console.log(\`line \${i}\`);
  if (i === 60) await pause(600).then(() => bar.update(i));
  if (i === 60) await file("opened");
}
bar.finish(); curve.finish();`;

describe("a notebook that is closed while a cell runs", function () {
  this.timeout(5 * 60_000);
  const results = join(ROOT, "results", "e2e-reopened");
  const work = join(results, "work");
  let lab: JupyterLab | undefined;
  let browser: Browser | undefined;

  before(async () => {
    rmSync(results, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, "long.ipynb"), JSON.stringify(notebookOf([CELL, '"the last"'])));
    lab = await startJupyterLab(work, {});
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await lab?.stop();
  });

  const open = async (): Promise<[Page, NotebookPage]> => {
    assert.ok(lab && browser);
    const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
    await page.goto(lab.address("long.ipynb"));
    return [page, new NotebookPage(page)];
  };

  it("shows the bar, the figure and the lines where they are when it is opened again", async () => {
    const [first, notebook] = await open();
    await notebook.ready();
    await first.keyboard.press("Shift+Enter");
    await first.keyboard.press("Shift+Enter");
    await notebook.cell(0).getByText("training").first().waitFor({ timeout: 60_000 });
    await first.close();
    writeFileSync(join(work, "closed"), "");

    const [second, again] = await open();
    const cell = again.cell(0);
    await cell.getByText("line 60").waitFor({ timeout: 60_000 });
    await cell.getByText("training 75 %").waitFor({ timeout: 10_000 });
    const [figure] = await again.figures(0);
    assert.equal(await pointsOf(figure), 60);
    const prompt = (text: string) => cell.locator(".jp-InputPrompt", { hasText: text }).waitFor();
    await prompt("[*]:");
    // It goes on, and ends.
    writeFileSync(join(work, "opened"), "");
    await prompt("[1]:");
    await cell.getByText("line 80").waitFor();
    await cell.getByText("training 100 %").waitFor();
    const [last, ...others] = await again.figures(0);
    assert.equal(await pointsOf(last), 80);
    assert.equal(others.length, 0);
    // What waited behind it ran as well.
    await again.cell(1).locator(".jp-OutputPrompt", { hasText: "[2]:" }).waitFor();
    await second.screenshot({ path: join(results, "end.png") });
  });
});
