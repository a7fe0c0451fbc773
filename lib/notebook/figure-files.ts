import { type ExportOptions, exportFigures as exportFiguresOf } from "../plots/export-figures";
import type { Figure } from "../plots/figure";
import { withProgress } from "./progress";

/**
 * Write figures to files, in a cell or a terminal: `exportFigures` of `tuning-fork/plots` with progress.
 *
 * @param figures Path without extension → figure.
 * @returns The files written.
 */
export function exportFigures(
  figures: Readonly<Record<string, Figure>>,
  options: ExportOptions = {},
): Promise<string[]> {
  return withProgress(
    "drawing",
    (onProgress) => exportFiguresOf(figures, { onProgress, ...options }),
    // One galaxy grid takes as long as ten curves.
    { unit: "figures", windowSeconds: Number.POSITIVE_INFINITY },
  );
}
