import type { AccuracyBin } from "../evaluate/by-column";
import { axisOf, LINE_LEGEND, twoColumnLegend } from "./axes";
import type { Figure } from "./figure";
import { plain } from "./text";
import { type FigureOptions, layoutOf, themeOf } from "./theme";

/** How {@link accuracyCurve} is drawn. */
export interface AccuracyCurveOptions extends FigureOptions {
  /** Title of the axis with its unit, such as `r magnitude (mag)`. */
  readonly title: string;
}

const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "cross"];

/**
 * Accuracy against a property of the galaxies, a line a model, with 95 % intervals. Answers figure 4
 * of Lin et al. (2021, arXiv:2110.01024): accuracy against size and magnitude.
 *
 * @param models Model → what `accuracyByColumn` gives.
 */
export function accuracyCurve(
  models: Readonly<Record<string, readonly AccuracyBin[]>>,
  { title, ...options }: AccuracyCurveOptions,
): Figure {
  const theme = themeOf(options);
  const names = Object.keys(models);
  // More than a line's worth of names goes below the plot.
  const below = names.length > 3 ? Math.ceil(names.length / 2) * 17 + 8 : 0;
  const [height, top, bottom] = [300, names.length > 1 && below === 0 ? 26 : 10, 42];
  return {
    data: names.map((name, m) => {
      const bins = models[name];
      const color = theme.palette[m % theme.palette.length];
      return {
        type: "scatter",
        mode: "lines+markers",
        name: plain(name),
        ...(below > 0 ? { legend: m < names.length / 2 ? "legend" : "legend2" } : {}),
        x: bins.map((bin) => bin.median),
        y: bins.map((bin) => bin.accuracy),
        error_y: {
          type: "data",
          symmetric: false,
          array: bins.map((bin) => bin.accuracyHigh - bin.accuracy),
          arrayminus: bins.map((bin) => bin.accuracy - bin.accuracyLow),
          thickness: 1,
          width: 2,
        },
        customdata: bins.map((bin) => [bin.low, bin.high, bin.count]),
        hovertemplate:
          "%{customdata[0]:.4g} to %{customdata[1]:.4g}<br>accuracy %{y:.3f} " +
          `(%{customdata[2]} galaxies)<extra>${plain(name)}</extra>`,
        line: { color: color, width: 1.6, dash: m % 2 === 0 ? "solid" : "5px,2px" },
        marker: { color: color, size: 6, symbol: SYMBOLS[m % SYMBOLS.length] },
      };
    }),
    layout: layoutOf(
      theme,
      { height: height + below, margin: { l: 52, r: 10, t: top, b: bottom + below } },
      {
        showlegend: names.length > 1,
        ...(below > 0
          ? twoColumnLegend(bottom / (height - top - bottom))
          : { legend: LINE_LEGEND }),
        xaxis: axisOf(theme, title, { nticks: 7 }),
        yaxis: axisOf(theme, "Accuracy", { grid: true, nticks: 6 }),
      },
    ),
  };
}
