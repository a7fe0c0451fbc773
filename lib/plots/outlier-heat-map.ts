import type { OutlierScores } from "../evaluate/outliers";
import { headsAxis, rowsAxis } from "./axes";
import { drawCells } from "./cells";
import type { Figure } from "./figure";
import { plain, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, SMALL_TEXT, themeOf } from "./theme";

/**
 * How well detectors tell pictures of several kinds from galaxies: in each cell the AUROC, which colors it
 * from ½ (guessing, the sheet's color) to 1, and below it the share of such pictures that pass where 95 % of
 * the galaxies do (FPR95).
 *
 * @param scores What `compareDetectors` gives.
 */
export function outlierHeatMap(
  scores: readonly OutlierScores[],
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const rows = [...new Set(scores.map(({ outliers }) => outliers))];
  const columns = [...new Set(scores.map(({ detector }) => detector))];
  const cells = rows.map((row) =>
    columns.map((column) => scores.find((s) => s.outliers === row && s.detector === column)),
  );
  const names = rows.map(plain);
  const left = widest(names, SMALL_TEXT) + 10;
  const heads = columns.map((name) => plain(name.replace(" ", "\n")));
  const width = Math.max(COLUMN, left + 6 + columns.length * (widest(heads, SMALL_TEXT) + 8));
  const { shapes, trace } = drawCells(theme, {
    strengths: cells.map((row) => row.map((cell) => Math.max(2 * (cell?.auroc ?? 0.5) - 1, 0))),
    texts: cells.map((row) =>
      row.map((cell) => (cell ? `${cell.auroc.toFixed(2)} / ${cell.fpr95.toFixed(2)}` : "")),
    ),
    hover: cells.map((row, r) =>
      row.map((cell, c) =>
        cell
          ? `${names[r]} by ${plain(columns[c])}<br>AUROC ${cell.auroc.toFixed(3)}<br>FPR95 ${cell.fpr95.toFixed(3)}`
          : "",
      ),
    ),
    textSize: SMALL_TEXT,
  });
  const [head, bottom] = [34, 24];
  return {
    data: [trace],
    layout: layoutOf(
      theme,
      {
        width: Math.round(width),
        height: rows.length * 26 + head + bottom,
        margin: { l: left, r: 6, t: head, b: bottom },
        keepHeight: true,
      },
      {
        shapes,
        xaxis: headsAxis(theme, heads, 0),
        yaxis: rowsAxis(theme, names, { tickfont: { size: SMALL_TEXT }, showline: false }),
        annotations: [
          {
            text: "AUROC / FPR95",
            x: 1,
            y: 0,
            xref: "paper",
            yref: "paper",
            xanchor: "right",
            yanchor: "top",
            showarrow: false,
            font: { size: SMALL_TEXT, color: theme.muted },
          },
        ],
      },
    ),
  };
}
