/**
 * A gallery of the notebooks as they were run: each as a page and as a PDF, and `index.html` with a picture, the
 * title and the first sentence of each.
 *
 *     npm run notebooks:html [-- --from FOLDER] [--to FOLDER] [NAME …]
 *
 * `--from` is a folder of notebooks that were run; without it those of `notebooks/` are run first, in the profile
 * that TUNING_FORK_PROFILE names. The gallery is `results/notebooks` unless `--to` says otherwise.
 */
import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { escapeHtml } from "#lib/notebook/display";
import { addPictures } from "#lib/notebook/still-pictures";
import { openBrowser } from "#lib/plots/browser";
import { jupyterEnvironment } from "../../lib/setup/kernel.mjs";
import { venvBin } from "../../lib/setup/python.mjs";
import { inRepository, ROOT } from "../repository.mjs";
import { allNotebooks } from "./check.mjs";

const run = (command, args) =>
  new Promise((done, fail) => {
    const options = {
      cwd: ROOT,
      env: jupyterEnvironment(ROOT),
      stdio: ["ignore", "inherit", "inherit"],
    };
    spawn(command, args, options).on("error", fail).on("close", done);
  });

/** Nothing is fetched when the page is looked at. */
const OFFLINE = ["mathjax_url", "require_js_url"].map((name) => `--HTMLExporter.${name}=`);

/** What the index says of a notebook: its title, its first sentence, and its first figure. */
async function entryOf(notebook) {
  const text = notebook.cells
    .filter(({ cell_type }) => cell_type === "markdown")
    .map(({ source }) => [source].flat().join(""))
    .join("\n\n");
  const [, title = "Untitled"] = /^# (.*)$/m.exec(text) ?? [];
  const paragraph = text.split(/\n\n+/).find((part) => part !== "" && !part.startsWith("#")) ?? "";
  const plain = paragraph.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[*_`]/g, "");
  const [sentence] = /^.*?[.?!](?=\s|$)/s.exec(plain) ?? [plain];
  const outputs = notebook.cells.flatMap((cell) => cell.outputs ?? []);
  const png = outputs.map(({ data }) => data?.["image/png"]).find((data) => data !== undefined);
  if (png === undefined) return { title, sentence };
  const small = await sharp(Buffer.from([png].flat().join(""), "base64"))
    .resize({ width: 480, height: 360, fit: "contain", background: "#fff" })
    .png({ palette: true })
    .toBuffer();
  return { title, sentence, picture: `data:image/png;base64,${small.toString("base64")}` };
}

/** The first page: a card a notebook. */
function indexPage(entries) {
  const cards = entries.map(({ name, title, sentence, picture }) => {
    const image = picture ? `<img src="${picture}" width="240" height="180" alt="">` : "";
    return `<li><a href="${name}.html">${image}<strong>${escapeHtml(title)}</strong></a><p>${escapeHtml(sentence)} <a href="${name}.pdf">PDF</a></p></li>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tuning-fork: notebooks</title>
<style>
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 66rem; padding: 0 1rem; color: #222; background: #fff; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 1.5rem; list-style: none; padding: 0; }
li > a:first-child { color: inherit; text-decoration: none; }
img { display: block; width: 100%; height: auto; border: 1px solid #ddd; margin-bottom: .5rem; }
p { margin: .25rem 0 0; }
</style>
<h1>Notebooks</h1>
<ul>
${cards.join("\n")}
</ul>
</html>
`;
}

/**
 * Make the gallery.
 *
 * @param paths Notebooks that were run.
 * @returns the pages
 */
async function makeGallery(paths, to) {
  mkdirSync(to, { recursive: true });
  const entries = [];
  const copies = [];
  for (const path of paths) {
    const copy = join(to, basename(path));
    if (resolve(path) !== resolve(copy)) copyFileSync(path, copy);
    await addPictures(copy);
    copies.push(copy);
    const name = basename(path, ".ipynb");
    entries.push({ name, ...(await entryOf(JSON.parse(readFileSync(copy, "utf8")))) });
  }
  const args = ["nbconvert", "--to", "html", "--log-level", "WARN", ...OFFLINE, ...copies];
  if ((await run(venvBin(ROOT, "jupyter"), args)) !== 0) throw new Error("nbconvert has failed");
  writeFileSync(join(to, "index.html"), indexPage(entries));
  const browser = await openBrowser();
  try {
    for (const { name } of entries) {
      const page = await browser.newPage();
      await page.goto(pathToFileURL(join(to, `${name}.html`)).href);
      const margin = { top: "15mm", bottom: "15mm", left: "12mm", right: "12mm" };
      await page.pdf({
        path: join(to, `${name}.pdf`),
        format: "A4",
        printBackground: true,
        margin,
      });
      await page.close();
    }
  } finally {
    await browser.close();
  }
  return ["index", ...entries.map(({ name }) => name)].map((name) => join(to, `${name}.html`));
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { from: { type: "string" }, to: { type: "string" } },
    allowPositionals: true,
  });
  const to = resolve(values.to ?? inRepository("results", "notebooks"));
  mkdirSync(to, { recursive: true });
  const isAsked = (path) =>
    positionals.length === 0 || positionals.some((name) => basename(path).startsWith(name));
  let paths;
  if (values.from === undefined) {
    paths = [];
    for (const notebook of allNotebooks().filter(isAsked)) {
      const copy = join(to, basename(notebook));
      const args = [
        inRepository("lib", "bin", "tuning-fork.js"),
        "notebook",
        notebook,
        "--out",
        copy,
      ];
      const code = await run(process.execPath, args);
      if (code !== 0) process.exitCode = 1;
      if (existsSync(copy)) paths.push(copy);
    }
  } else
    paths = readdirSync(values.from)
      .filter((name) => name.endsWith(".ipynb"))
      .sort()
      .map((name) => join(values.from, name))
      .filter(isAsked);
  console.log((await makeGallery(paths, to)).join("\n"));
}

await main();
