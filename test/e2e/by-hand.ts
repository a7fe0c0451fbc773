/**
 * Every notebook, cell by cell, in JupyterLab in a real browser, as an astronomer runs it:
 * `npm run test:browser [WORD …]`, where a word is part of a notebook's name. The settings are those of the
 * profile (`TUNING_FORK_PROFILE`, here `quick` by default) and the data `TUNING_FORK_DATA`.
 *
 * A picture of each cell with its output stands in `results/by-hand/DATA/NOTEBOOK/` afterwards, to be looked at.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { openBrowser } from "#lib/plots/browser";
import { ROOT } from "../notebook/support";
import { startJupyterLab } from "./jupyter-lab";
import { NotebookPage } from "./notebook-page";

const CELL_MS = 40 * 60_000;
const profile = process.env.TUNING_FORK_PROFILE ?? "quick";
const data = basename(process.env.TUNING_FORK_DATA ?? "as-written");
const out = join(ROOT, "results", "by-hand", data);
const work = join(out, "work");

/** @returns how many of its cells complained. */
async function runNotebook(file: string): Promise<number> {
  const { cells } = JSON.parse(readFileSync(join(ROOT, "notebooks", file), "utf8"));
  const pictures = join(out, basename(file, ".ipynb"));
  mkdirSync(pictures, { recursive: true });
  const lab = await startJupyterLab(work, {
    TUNING_FORK_PROFILE: profile,
    TUNING_FORK_RESULTS: join(out, "runs"),
  });
  const browser = await openBrowser();
  try {
    // So high that a cell with its figures is in one picture.
    const page = await browser.newPage({ viewport: { width: 1280, height: 2400 } });
    // Nothing in the page takes so long, but the machine may be busy, or sleep for a while.
    page.setDefaultTimeout(CELL_MS);
    await page.goto(lab.address(`notebooks/${file}`));
    const notebook = new NotebookPage(page);
    await notebook.ready();
    const from = Date.now();
    let failed = 0;
    for (let i = 0; i < cells.length; i++) {
      const begun = Date.now();
      await notebook.run(i, CELL_MS);
      if (cells[i].cell_type !== "code") continue;
      const seconds = ((Date.now() - begun) / 1000).toFixed(1);
      const complaint = await notebook.complaints(i);
      if (complaint !== "") failed++;
      console.log(`  cell ${i}: ${seconds} s ${complaint}`);
      await page.waitForTimeout(500); // figures are drawn
      await notebook.picture(i, join(pictures, `${String(i).padStart(2, "0")}.png`));
    }
    await notebook.save();
    const minutes = ((Date.now() - from) / 60_000).toFixed(1);
    console.log(`${failed === 0 ? "✓" : "✗"} ${file}: ${minutes} min, ${failed} cells complained`);
    return failed;
  } finally {
    await browser.close();
    await lab.stop();
  }
}

async function main(words: readonly string[]): Promise<void> {
  const files = readdirSync(join(ROOT, "notebooks")).filter(
    (name) =>
      name.endsWith(".ipynb") && (words.length === 0 || words.some((word) => name.includes(word))),
  );
  mkdirSync(work, { recursive: true });
  cpSync(join(ROOT, "notebooks"), join(work, "notebooks"), { recursive: true });
  let failed = 0;
  for (const file of files) {
    console.log(file);
    failed += await runNotebook(file).catch((error) => {
      console.log(`✗ ${file}: ${error instanceof Error ? error.stack : error}`);
      return 1;
    });
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

void main(process.argv.slice(2));
