import { axisOf, LINE_LEGEND, rowsAxis } from "./axes";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { plain, widest } from "./text";
import { type FigureOptions, layoutOf, PAGE, SMALL_TEXT, themeOf } from "./theme";

/** How well an answer's fractions are predicted, as `voteMetrics` gives it. */
export interface AnswerScores {
  /** Of the answer. */
  readonly name: string;
  /** Pearson's correlation; NaN or null where it is not defined. */
  readonly correlation: number | null;
  /** Mean absolute error. */
  readonly mae: number;
  /** Mean absolute error of whoever says the mean. */
  readonly maeOfMean: number;
}

/**
 * Correlation and mean absolute error of each answer, with the error of whoever says the answer's mean
 * about every galaxy.
 *
 * @param metrics What `voteMetrics` gives, or a run's `metrics.json`.
 */
export function answerBars(
  { perAnswer }: { readonly perAnswer: readonly AnswerScores[] },
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const names = perAnswer.map(({ name }) => plain(name));
  const places = names.map((_, row) => row);
  const left = widest(names, SMALL_TEXT) + 10;
  const grid = facets(2, 2, 0.06, 0);
  const bar = (
    title: string,
    values: readonly (number | null)[],
    panel: number,
    color: string,
  ) => ({
    type: "bar",
    orientation: "h",
    name: title,
    x: values.map((value) => (Number.isFinite(value) ? value : null)),
    y: places,
    ...grid[panel].ref,
    width: 0.7,
    customdata: names,
    hovertemplate: `%{customdata}: ${title} %{x:.3f}<extra></extra>`,
    marker: { color },
  });
  const mean = {
    type: "scatter",
    mode: "markers",
    name: "MAE of the mean",
    x: perAnswer.map(({ maeOfMean }) => maeOfMean),
    y: places,
    ...grid[1].ref,
    customdata: names,
    hovertemplate: "%{customdata}: MAE of the mean %{x:.3f}<extra></extra>",
    marker: { color: theme.ink, symbol: "line-ns-open", size: 9, line: { width: 2 } },
  };
  const [lines, ticks] = [
    rowsAxis(theme, names, { tickfont: { size: SMALL_TEXT }, anchor: "x" }),
    rowsAxis(theme, names, { showticklabels: false, anchor: "x2" }),
  ];
  return {
    data: [
      bar(
        "correlation",
        perAnswer.map(({ correlation }) => correlation),
        0,
        theme.palette[0],
      ),
      bar(
        "MAE",
        perAnswer.map(({ mae }) => mae),
        1,
        theme.palette[1],
      ),
      mean,
    ],
    layout: layoutOf(
      theme,
      {
        width: PAGE,
        height: names.length * 17 + 68,
        margin: { l: left, r: 12, t: 26, b: 42 },
        keepHeight: true,
      },
      {
        showlegend: true,
        legend: LINE_LEGEND,
        xaxis: axisOf(theme, "Correlation", { domain: grid[0].x, grid: true }),
        xaxis2: axisOf(theme, "Mean absolute error", {
          domain: grid[1].x,
          anchor: "y2",
          grid: true,
          rangemode: "tozero",
        }),
        yaxis: lines,
        yaxis2: ticks,
      },
    ),
  };
}
