import { axisOf, LINE_LEGEND, rowsAxis } from "./axes";
import type { Figure } from "./figure";
import { plain, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, TEXT, themeOf } from "./theme";

/** Models that share something, such as a network, beside each other. */
export interface ModelGroup {
  /** What they share. */
  readonly name: string;
  /** Kind of model → its mean absolute error; NaN where it is not known. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Between the kinds of a row, in rows. */
const STEP = 0.16;
const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "x", "star"];

/**
 * Mean absolute errors of models in pairs or more, a row a group with a line from the best to the worst:
 * networks and the trees on their features.
 */
export function pairedModels(groups: readonly ModelGroup[], options: FigureOptions = {}): Figure {
  const theme = themeOf(options);
  const names = groups.map(({ name }) => plain(name));
  const kinds = [...new Set(groups.flatMap(({ errors }) => Object.keys(errors)))];
  const spans = groups.map(({ errors }) => Object.values(errors).filter(Number.isFinite));
  const lines = {
    type: "scatter",
    mode: "lines",
    x: spans.flatMap((own) => [Math.min(...own), Math.max(...own), null]),
    y: spans.flatMap((_, row) => [row, row, null]),
    line: { color: theme.grid, width: 3 },
    hoverinfo: "skip",
    showlegend: false,
  };
  const points = kinds.map((kind, k) => ({
    type: "scatter",
    mode: "markers",
    name: plain(kind),
    x: groups.map(({ errors }) => (Number.isFinite(errors[kind]) ? errors[kind] : null)),
    // Side by side: equal ones would hide each other.
    y: groups.map((_, row) => row + (k - (kinds.length - 1) / 2) * STEP),
    text: names,
    hovertemplate: `%{text}, ${plain(kind)}: %{x:.4f}<extra></extra>`,
    marker: {
      color: theme.palette[k % theme.palette.length],
      symbol: SYMBOLS[k % SYMBOLS.length],
      size: 9,
    },
  }));
  return {
    data: [lines, ...points],
    layout: layoutOf(
      theme,
      {
        width: COLUMN,
        height: groups.length * 28 + 76,
        margin: { l: widest(names, TEXT) + 12, r: 14, t: 28, b: 42 },
        keepHeight: true,
      },
      {
        showlegend: true,
        legend: LINE_LEGEND,
        xaxis: axisOf(theme, "Mean absolute error", { grid: true, nticks: 6 }),
        yaxis: rowsAxis(theme, names),
      },
    ),
  };
}
