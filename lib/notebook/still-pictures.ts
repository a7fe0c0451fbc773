import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../io/atomic";
import { exportFigures } from "../plots/export-figures";
import type { Figure } from "../plots/figure";
import { PIXELS_PER_MM } from "../plots/theme";

const PLOTLY = "application/vnd.plotly.v1+json";

/** As large as on the screen, in pixels. */
const DPI = 25.4 * PIXELS_PER_MM;

interface Notebook {
  readonly cells: readonly {
    readonly outputs?: readonly { readonly data?: Record<string, unknown> }[];
  }[];
}

/**
 * Put a still picture beside each figure of a notebook that was run, for GitHub and nbconvert, which draw
 * none themselves; JupyterLab goes on drawing the interactive ones.
 *
 * @param path The notebook, which is written anew.
 * @returns how many figures have a picture
 * @throws UserError where no browser is found
 */
export async function addPictures(path: string): Promise<number> {
  const notebook: Notebook = JSON.parse(readFileSync(path, "utf8"));
  const outputs = notebook.cells
    .flatMap((cell) => cell.outputs ?? [])
    .flatMap(({ data }) => (data !== undefined && PLOTLY in data ? [data] : []));
  if (outputs.length === 0) return 0;
  const folder = mkdtempSync(join(tmpdir(), "pictures-"));
  try {
    const place = (i: number) => join(folder, String(i));
    const figures = outputs.map((data, i) => [place(i), data[PLOTLY] as Figure]);
    await exportFigures(Object.fromEntries(figures), { formats: ["png"], dpi: DPI });
    for (const [i, data] of outputs.entries())
      data["image/png"] = readFileSync(`${place(i)}.png`).toString("base64");
  } finally {
    rmSync(folder, { recursive: true });
  }
  writeFileAtomic(path, `${JSON.stringify(notebook, null, 1)}\n`);
  return outputs.length;
}
