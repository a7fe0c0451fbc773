/**
 * Give the figures of executed notebooks a static picture, for GitHub and nbconvert, which draw none
 * themselves; JupyterLab goes on drawing the interactive ones.
 *
 *     node tools/notebooks/pictures.mjs NOTEBOOK …
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportFigures, PIXELS_PER_MM } from "tuning-fork/plots";

const PLOTLY = "application/vnd.plotly.v1+json";
const PNG = "image/png";

/** As large as on the screen, in pixels. */
const DPI = 25.4 * PIXELS_PER_MM;

/**
 * Put a picture beside each figure of a notebook.
 *
 * @returns how many figures got one
 */
export async function addPictures(path) {
  const notebook = JSON.parse(readFileSync(path, "utf8"));
  const outputs = notebook.cells
    .flatMap((cell) => cell.outputs ?? [])
    .filter(({ data }) => data?.[PLOTLY] !== undefined);
  const folder = mkdtempSync(join(tmpdir(), "pictures-"));
  try {
    const place = (i) => join(folder, String(i));
    const figures = outputs.map(({ data }, i) => [place(i), data[PLOTLY]]);
    if (outputs.length > 0)
      await exportFigures(Object.fromEntries(figures), { formats: ["png"], dpi: DPI });
    for (const [i, { data }] of outputs.entries())
      data[PNG] = readFileSync(`${place(i)}.png`).toString("base64");
  } finally {
    rmSync(folder, { recursive: true });
  }
  writeFileSync(path, `${JSON.stringify(notebook, null, 1)}\n`);
  return outputs.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const path of process.argv.slice(2))
    console.log(`${path}: ${await addPictures(path)} figures have a picture`);
}
