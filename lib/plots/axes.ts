import type { Figure } from "./figure";
import { FALLBACK, textWidth } from "./text";
import { SMALL_TEXT, TEXT, type Theme } from "./theme";

/** Keys of a plotly axis, and whether it has grid lines. */
export interface AxisOptions extends Readonly<Record<string, unknown>> {
  /** Light lines at the ticks. Default: false. */
  readonly grid?: boolean;
}

/** An axis: title with its unit, ticks outside, line, light grid where asked for. */
export function axisOf(
  theme: Theme,
  title: string,
  { grid = false, ...extra }: AxisOptions = {},
): Record<string, unknown> {
  return {
    title: { text: title, standoff: 6, font: { size: TEXT } },
    tickfont: { size: SMALL_TEXT },
    ticks: "outside",
    ticklen: 3,
    tickcolor: theme.ink,
    linecolor: theme.ink,
    linewidth: 1,
    showline: true,
    showgrid: grid,
    gridcolor: theme.grid,
    zeroline: false,
    ...extra,
  };
}

/** The y axis of rows with names, the first on top, at 0, 1, 2 … */
export function rowsAxis(
  theme: Theme,
  names: readonly string[],
  extra: AxisOptions = {},
): Record<string, unknown> {
  return axisOf(theme, "", {
    tickvals: names.map((_, row) => row),
    ticktext: names,
    tickfont: { size: TEXT },
    ticks: "",
    automargin: true,
    range: [names.length - 0.5, -0.5],
    ...extra,
  });
}

/**
 * The x axis of columns with names above them, the first at 0.
 *
 * @param angle Of the names, degrees. Default −90: they read upwards, and what they need is added on top.
 */
export function headsAxis(
  theme: Theme,
  names: readonly string[],
  angle = -90,
): Record<string, unknown> {
  return axisOf(theme, "", {
    side: "top",
    tickvals: names.map((_, column) => column),
    ticktext: names,
    tickangle: angle,
    ticks: "",
    showline: false,
    ...(angle !== 0 && { automargin: true }),
    range: [-0.5, names.length - 0.5],
  });
}

/**
 * The dotted line from (0, 0) to (1, 1).
 *
 * @param ref Axes of a facet. Default: the figure's first.
 */
export function diagonal(theme: Theme, ref: object = {}): Figure["data"][number] {
  return {
    type: "scatter",
    mode: "lines",
    x: [0, 1],
    y: [0, 1],
    ...ref,
    line: { color: theme.muted, width: 1, dash: "dot" },
    hoverinfo: "skip",
  };
}

/** A list of names in a line above a plot. */
export const LINE_LEGEND = { orientation: "h", x: 0, y: 1, yanchor: "bottom" } as const;

/** What plotly sets before and after a name of bars in a legend, pixels. */
const LEGEND_GAPS = 46;

/**
 * {@link LINE_LEGEND} above a plot that is narrower than the names in a line, as where long names of rows stand
 * beside it: it begins over these. Plotly wraps a legend at the plot's width unless it begins left of the plot.
 *
 * @param left Room beside the plot, pixels.
 * @param width Of the plot, pixels.
 */
export function legendOverRows(
  names: readonly string[],
  left: number,
  width: number,
): Record<string, unknown> {
  const needed = names.reduce(
    (sum, name) => sum + FALLBACK * textWidth(name, TEXT) + LEGEND_GAPS,
    0,
  );
  if (needed <= width) return LINE_LEGEND;
  return { ...LINE_LEGEND, x: -Math.min(left, needed - width) / width };
}

/** Where the second column of {@link twoColumnLegend} begins after the first, as a fraction of the plot's width. */
export const LEGEND_COLUMN = 0.6;

/**
 * A list of classes under a plot, in two columns: the upper half of the traces names `legend`, the
 * rest `legend2`. Plotly wraps one legend only at the width of the sheet.
 *
 * @param y Distance below the plot, as a fraction of its height.
 * @param extra Keys of plotly's legends, for both.
 */
export function twoColumnLegend(
  y: number,
  extra: Readonly<Record<string, unknown>> = {},
): Record<"legend" | "legend2", object> {
  const column = {
    ...{ y: -y, yanchor: "top", font: { size: SMALL_TEXT } },
    // Where each class is a group of its own, plotly would set the names far apart.
    tracegroupgap: 0,
    ...extra,
  };
  return { legend: { ...column, x: -0.12 }, legend2: { ...column, x: LEGEND_COLUMN - 0.12 } };
}
