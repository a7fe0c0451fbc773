import type { AblationTable } from "../evaluate/ablation-table";
import { axisOf, rowsAxis } from "./axes";
import { drawCells, percent } from "./cells";
import type { Figure } from "./figure";
import { plain, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, SMALL_TEXT, themeOf } from "./theme";

/**
 * Accuracy and recall of each class (%) for each row of an ablation, labeled **model** training data /
 * test data. Answers seven models by three pairs of training and test data on Galaxy10 DECaLS.
 */
export function ablationHeatMap(
  { classNames, rows }: AblationTable,
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const names = rows.map(
    ({ model, trainedOn, testedOn }) =>
      `<b>${plain(model)}</b> ${plain(trainedOn)} / ${plain(testedOn)}`,
  );
  const columns = ["Accuracy", ...classNames].map(plain);
  const strengths = rows.map((row) => [row.accuracy.value, ...row.recalls]);
  const left = widest(names, SMALL_TEXT) + 10;
  const head = widest(columns, SMALL_TEXT) + 10;
  const size = Math.max((COLUMN - left - 6) / columns.length, 20);
  const { shapes, trace } = drawCells(theme, {
    strengths,
    texts: strengths.map((row) => row.map((value) => percent(value) || "0")),
    hover: strengths.map((row, r) =>
      row.map((value, c) => {
        const what = c === 0 ? "accuracy" : `recall of ${plain(classNames[c - 1])}`;
        return `${names[r]}<br>${what} ${(100 * value).toFixed(1)} %`;
      }),
    ),
    textSize: Math.min(SMALL_TEXT, size / 1.7),
  });
  return {
    data: [trace],
    layout: layoutOf(
      theme,
      {
        width: Math.round(left + size * columns.length + 6),
        height: Math.round(rows.length * 20 + head + 6),
        margin: { l: left, r: 6, t: head, b: 6 },
        keepHeight: true,
      },
      {
        shapes: [
          ...shapes,
          {
            type: "line",
            x0: 0.5,
            x1: 0.5,
            y0: -0.5,
            y1: rows.length - 0.5,
            line: { color: theme.ink, width: 1 },
          },
        ],
        xaxis: axisOf(theme, "", {
          side: "top",
          tickvals: columns.map((_, c) => c),
          ticktext: columns,
          tickangle: -90,
          ticks: "",
          showline: false,
          automargin: true,
          range: [-0.5, columns.length - 0.5],
        }),
        yaxis: rowsAxis(theme, names, { tickfont: { size: SMALL_TEXT }, showline: false }),
      },
    ),
  };
}
