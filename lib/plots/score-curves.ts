import { axisOf, LEGEND_COLUMN, LINE_LEGEND, twoColumnLegend } from "./axes";
import type { Figure } from "./figure";
import { FALLBACK, plain, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, SMALL_TEXT, themeOf } from "./theme";

/** A score somewhere along a curve. */
export interface CurvePoint {
  /** Where. */
  readonly x: number;
  /** The score there. */
  readonly value: number;
  /** Lower end of its interval. Default: none is drawn. */
  readonly low?: number;
  /** Upper end of its interval. Default: none is drawn. */
  readonly high?: number;
  /** What hovering tells besides, such as the number of galaxies. Default: nothing. */
  readonly note?: string;
}

/** How {@link scoreCurves} are drawn. */
export interface ScoreCurvesOptions extends FigureOptions {
  /** Title of the x axis with its unit, such as `redshift`. */
  readonly xTitle: string;
  /** Title of the y axis, such as `Accuracy`. */
  readonly yTitle: string;
  /** Keys of plotly's x axis, such as `{ autorange: "reversed" }`. Default: none. */
  readonly xAxis?: Readonly<Record<string, unknown>>;
  /**
   * Whether the points of several series stand side by side around their place on the x axis, so that none
   * hides another. Default: false.
   */
  readonly sideBySide?: boolean;
}

/** Pixels that a line with its symbol takes before a name. */
const LEGEND_SYMBOL = 40;
const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "cross"];
const DASHES = ["solid", "5px,2px", "2px,2px"];

/**
 * Scores against something, a line a series, with their intervals: accuracy against depth or distance,
 * error against the number of labels, accuracy against the share that is kept.
 *
 * @param curves Name → its points.
 */
export function scoreCurves(
  curves: Readonly<Record<string, readonly CurvePoint[]>>,
  { xTitle, yTitle, xAxis, sideBySide = false, ...options }: ScoreCurvesOptions,
): Figure {
  const theme = themeOf(options);
  const names = Object.keys(curves);
  const aside = sideBySide ? asides(curves) : undefined;
  // More than a line's worth of names goes below the plot, in two columns where they are short enough.
  const [left, right] = [52, 10];
  const room = LEGEND_COLUMN * (COLUMN - left - right) - LEGEND_SYMBOL;
  const perColumn = Math.ceil(
    names.length / (FALLBACK * widest(names.map(plain), SMALL_TEXT) > room ? 1 : 2),
  );
  const below = names.length > 3 ? perColumn * 17 + 8 : 0;
  const [height, top, bottom] = [300, names.length > 1 && below === 0 ? 26 : 10, 42];
  return {
    data: names.map((name, m) => {
      const points = curves[name];
      const color = theme.palette[m % theme.palette.length];
      const away = (to: "low" | "high") =>
        points.map((point) => {
          const end = point[to];
          return end === undefined || Number.isNaN(end) ? 0 : Math.abs(end - point.value);
        });
      return {
        type: "scatter",
        mode: "lines+markers",
        name: plain(name),
        ...(below > 0 ? { legend: m < perColumn ? "legend" : "legend2" } : {}),
        x: points.map(({ x }) => x + (aside?.[m] ?? 0)),
        y: points.map(({ value }) => value),
        error_y: {
          type: "data",
          symmetric: false,
          array: away("high"),
          arrayminus: away("low"),
          thickness: 1,
          width: 2,
        },
        customdata: points.map(({ x, note }) => [x, note ?? ""]),
        hovertemplate: `%{customdata[0]:.4g}: %{y:.3f} %{customdata[1]}<extra>${plain(name)}</extra>`,
        line: { color, width: names.length > 3 ? 1.2 : 1.6, dash: DASHES[m % DASHES.length] },
        marker: { color, size: names.length > 3 ? 5 : 6, symbol: SYMBOLS[m % SYMBOLS.length] },
      };
    }),
    layout: layoutOf(
      theme,
      { height: height + below, margin: { l: left, r: right, t: top, b: bottom + below } },
      {
        showlegend: names.length > 1,
        ...(below > 0
          ? twoColumnLegend(bottom / (height - top - bottom))
          : { legend: LINE_LEGEND }),
        xaxis: axisOf(theme, xTitle, { nticks: 7, ...xAxis }),
        yaxis: axisOf(theme, yTitle, { grid: true, nticks: 6, ...wholeTicks(curves) }),
      },
    ),
  };
}

/** Of a few whole numbers, such as counts, no tick is a half. */
function wholeTicks(curves: Readonly<Record<string, readonly CurvePoint[]>>): { dtick?: number } {
  const values = Object.values(curves).flatMap((points) => points.map(({ value }) => value));
  const range = Math.max(...values) - Math.min(...values);
  return values.every(Number.isInteger) && range < 6 ? { dtick: 1 } : {};
}

/** How far each series is moved along the x axis, as a whole: together they take 0.8 of the least gap. */
function asides(curves: Readonly<Record<string, readonly CurvePoint[]>>): number[] {
  const all = Object.values(curves);
  const gaps = all.flatMap((points) =>
    points.slice(1).map(({ x }, p) => Math.abs(x - points[p].x)),
  );
  const room = gaps.length === 0 ? 0 : 0.8 * Math.min(...gaps);
  return all.map((_, m) => (all.length === 1 ? 0 : (m / (all.length - 1) - 0.5) * room));
}
