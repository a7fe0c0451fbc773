import type { AccuracyBin } from "../evaluate/by-column";
import type { Figure } from "./figure";
import { type CurvePoint, scoreCurves } from "./score-curves";
import type { FigureOptions } from "./theme";

/** How {@link accuracyCurve} is drawn. */
export interface AccuracyCurveOptions extends FigureOptions {
  /** Title of the axis with its unit, such as `r magnitude (mag)`. */
  readonly title: string;
}

/**
 * Accuracy against a property of the galaxies, a line a model, with 95 % intervals. Answers figure 4
 * of Lin et al. (2021, arXiv:2110.01024): accuracy against size and magnitude. The points of a bin stand side
 * by side around its median, in the order of the models, so that none hides another.
 *
 * @param models Model → what `accuracyByColumn` gives.
 */
export function accuracyCurve(
  models: Readonly<Record<string, readonly AccuracyBin[]>>,
  { title, ...options }: AccuracyCurveOptions,
): Figure {
  const point = (bin: AccuracyBin): CurvePoint => ({
    ...{ x: bin.median, value: bin.accuracy, low: bin.accuracyLow, high: bin.accuracyHigh },
    note: `(${bin.count} galaxies from ${Number(bin.low.toPrecision(4))} to ${Number(bin.high.toPrecision(4))})`,
  });
  const curves = Object.entries(models).map(([name, bins]) => [name, bins.map(point)]);
  return scoreCurves(Object.fromEntries(curves), {
    xTitle: title,
    yTitle: "Accuracy",
    sideBySide: true,
    ...options,
  });
}
