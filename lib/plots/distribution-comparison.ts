import { sortedQuantile } from "../evaluate/intervals";
import { LINE_LEGEND } from "./axes";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { plain } from "./text";
import { COLUMN, type FigureOptions, layoutOf, PAGE, themeOf } from "./theme";

/** One quantity, as several samples have it. */
export interface DistributionPanel {
  /** Title of the axis with its unit. */
  readonly title: string;
  /** Sample, such as `true` or a survey's name → its values; what is not finite is left out. */
  readonly samples: Readonly<Record<string, ArrayLike<number>>>;
  /** Ends of the axis. Default: those of the values, a handful of outliers left out. */
  readonly range?: readonly [low: number, high: number];
}

/** How {@link distributionComparison} is drawn. */
export interface DistributionComparisonOptions extends FigureOptions {
  /** Bins of equal width in each panel. Default: 30. */
  readonly bins?: number;
}

/**
 * Distributions of several samples over each other, a panel a quantity, as outlines of equal area.
 * Answers the comparison of true and predicted vote fractions, and shows a shift between surveys.
 */
export function distributionComparison(
  panels: readonly DistributionPanel[],
  { bins = 30, ...options }: DistributionComparisonOptions = {},
): Figure {
  const theme = themeOf(options);
  const columns = panels.length === 1 ? 1 : panels.length <= 4 ? 2 : 3;
  const width = columns === 3 ? PAGE : COLUMN;
  const rows = Math.ceil(panels.length / columns);
  const [left, right, top, bottom] = [40, 8, 26, 42];
  const [gapX, gapY] = [30, 54];
  const height = columns === 1 ? 210 : 120;
  const plotWidth = width - left - right;
  const plotHeight = rows * height + (rows - 1) * gapY;
  const grid = facets(panels.length, columns, gapX / plotWidth, gapY / plotHeight);
  const samples = [...new Set(panels.flatMap((panel) => Object.keys(panel.samples)))];

  const data: object[] = [];
  const axes: Record<string, unknown> = {};
  panels.forEach((panel, i) => {
    const all = Float64Array.from(
      Object.values(panel.samples).flatMap((values) => Array.from(values).filter(Number.isFinite)),
    ).sort();
    // A handful of outliers must not squeeze the rest into one bin.
    const [middle, spread] = [
      sortedQuantile(all, 0.5),
      sortedQuantile(all, 0.99) - sortedQuantile(all, 0.01),
    ];
    const least = Math.max(all[0], middle - 2 * spread);
    const most = Math.min(all[all.length - 1], middle + 2 * spread);
    const step = 10 ** Math.floor(Math.log10((most - least) / bins || 1));
    const [low, high] = panel.range ?? [
      Math.floor(least / step) * step,
      Math.ceil(most / step) * step,
    ];
    const edges = Array.from({ length: bins + 1 }, (_, b) => low + ((high - low) * b) / bins);
    for (const [name, values] of Object.entries(panel.samples)) {
      const s = samples.indexOf(name);
      const heights = densities(values, low, high, bins);
      data.push({
        type: "scatter",
        mode: "lines",
        name: plain(name),
        legendgroup: name,
        showlegend: i === panels.findIndex((other) => name in other.samples),
        x: [low, ...edges],
        y: [0, ...heights, 0],
        ...grid[i].ref,
        line: {
          shape: "hv",
          color: theme.palette[s % theme.palette.length],
          width: 1.5,
          dash: s % 2 === 0 ? "solid" : "4px,2px",
        },
        fill: s === 0 ? "tozeroy" : "none",
        fillcolor: `${theme.palette[0]}40`,
      });
    }
    const density = { title: "Density", rangemode: "tozero", showticklabels: false, ticks: "" };
    Object.assign(
      axes,
      grid[i].axes(theme, { title: panel.title, nticks: 5 }, { outer: true, ...density }),
    );
  });
  return {
    data,
    layout: layoutOf(
      theme,
      {
        width,
        height: plotHeight + top + bottom,
        margin: { l: left, r: right, t: top, b: bottom },
      },
      {
        ...axes,
        showlegend: samples.length > 1,
        legend: LINE_LEGEND,
      },
    ),
  };
}

function densities(values: ArrayLike<number>, low: number, high: number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    if (!(values[i] >= low && values[i] <= high)) continue;
    const bin = high === low ? 0 : Math.floor(((values[i] - low) / (high - low)) * bins);
    counts[Math.min(bin, bins - 1)]++;
    total++;
  }
  const width = (high - low) / bins || 1;
  return counts.map((n) => (total === 0 ? 0 : n / total / width));
}
