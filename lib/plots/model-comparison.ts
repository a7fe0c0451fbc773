import type { Interval } from "../evaluate/intervals";
import { axisOf, rowsAxis } from "./axes";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { twoLines, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, TEXT, themeOf } from "./theme";

/** A model with its metrics: metric's name → value and interval. */
export interface ComparedModel {
  /** Name of the model. */
  readonly name: string;
  /** Metric, as its axis is called → its value and interval. */
  readonly metrics: Readonly<Record<string, Interval>>;
}

/** Options of {@link modelComparison}. */
export interface ModelComparisonOptions extends FigureOptions {
  /** Whether the best value of the first metric is the largest or the smallest. Default `max`. */
  readonly best?: "max" | "min";
}

/**
 * Models compared by one or more metrics, a panel each: values as points with their intervals, best
 * first by the first metric. Answers the performance summaries of vote-fraction models and the
 * comparison of eighteen models on Galaxy Zoo 2.
 *
 * @param models In any order; an interval of NaN draws a point alone.
 */
export function modelComparison(
  models: readonly ComparedModel[],
  options: ModelComparisonOptions = {},
): Figure {
  const theme = themeOf(options);
  const sign = options.best === "min" ? -1 : 1;
  const metrics = Object.keys(models[0].metrics);
  const sorted = [...models].sort(
    (a, b) => sign * (b.metrics[metrics[0]].value - a.metrics[metrics[0]].value),
  );
  const names = sorted.map(({ name }) => twoLines(name, 26));
  const rowHeight = names.some((name) => name.includes("<br>")) ? 36 : 24;
  const places = names.map((_, i) => i);
  const grid = facets(metrics.length, metrics.length, 0.08, 0);
  const data: object[] = [];
  const axes: Record<string, unknown> = {};
  metrics.forEach((metric, m) => {
    const { suffix, ref, x } = grid[m];
    const values = sorted.map((model) => model.metrics[metric]);
    data.push({
      type: "scatter",
      mode: "markers",
      x: values.map(({ value }) => value),
      y: places,
      xaxis: ref.xaxis,
      error_x: {
        type: "data",
        symmetric: false,
        array: values.map(({ value, high }) => (Number.isNaN(high) ? 0 : high - value)),
        arrayminus: values.map(({ value, low }) => (Number.isNaN(low) ? 0 : value - low)),
        thickness: 1.5,
        width: 3,
      },
      customdata: values.map(({ low, high }) =>
        Number.isNaN(low) ? "one run" : `${low.toFixed(4)} to ${high.toFixed(4)}`,
      ),
      text: sorted.map(({ name }) => name),
      hovertemplate: "%{text}: %{x:.4f}<br>%{customdata}<extra></extra>",
      marker: { color: theme.palette[m % theme.palette.length], size: 7 },
    });
    axes[`xaxis${suffix}`] = axisOf(theme, metric, {
      domain: x,
      grid: true,
      nticks: metrics.length > 1 ? 4 : 6,
    });
  });
  return {
    data,
    layout: layoutOf(
      theme,
      {
        width: COLUMN,
        height: names.length * rowHeight + 54,
        margin: { l: widest(names, TEXT) + 12, r: 14, t: 6, b: 42 },
        keepHeight: true,
      },
      {
        ...axes,
        yaxis: rowsAxis(theme, names),
      },
    ),
  };
}
