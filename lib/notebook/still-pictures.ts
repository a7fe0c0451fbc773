import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../io/atomic";
import { exportFigures } from "../plots/export-figures";
import type { Figure } from "../plots/figure";
import { PIXELS_PER_MM } from "../plots/theme";
import { readNotebook } from "./notebook-file";

const PLOTLY = "application/vnd.plotly.v1+json";

/** Dots a pixel of the screen: letters stay sharp on dense ones. */
const DENSITY = 2;
const DPI = DENSITY * 25.4 * PIXELS_PER_MM;

/**
 * Put a still picture beside each figure of a notebook that was run, for GitHub and nbconvert, which draw
 * none themselves; JupyterLab goes on drawing the interactive ones.
 *
 * @param path The notebook, which is written anew.
 * @returns how many figures have a picture
 * @throws UserError where the file is no notebook, or no browser is found
 */
export async function addPictures(path: string): Promise<number> {
  const notebook = readNotebook(path);
  const outputs = notebook.cells
    .flatMap((cell) => cell.outputs ?? [])
    .flatMap((output) => {
      const { data } = output;
      return data !== undefined && PLOTLY in data ? [{ output, data }] : [];
    });
  if (outputs.length === 0) return 0;
  const folder = mkdtempSync(join(tmpdir(), "pictures-"));
  try {
    const place = (i: number) => join(folder, String(i));
    const figures = outputs.map(({ data }, i) => [place(i), data[PLOTLY] as Figure]);
    await exportFigures(Object.fromEntries(figures), { formats: ["png"], dpi: DPI });
    for (const [i, { output, data }] of outputs.entries()) {
      const png = readFileSync(`${place(i)}.png`);
      data["image/png"] = png.toString("base64");
      // As large as the figure is on the screen, whatever JupyterLab had saved.
      const [width, height] = [16, 20].map((at) => Math.round(png.readUInt32BE(at) / DENSITY));
      const picture = { width, height, alt: String(data["text/plain"] ?? "figure") };
      output.metadata = { ...output.metadata, "image/png": picture };
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  writeFileAtomic(path, `${JSON.stringify(notebook, null, 1)}\n`);
  return outputs.length;
}
