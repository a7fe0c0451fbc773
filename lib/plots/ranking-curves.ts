import type { Predictions } from "../evaluate/predictions";
import {
  averagePrecision,
  type Curve,
  precisionRecallCurve,
  rocAuc,
  rocCurve,
  thresholdsOf,
} from "../evaluate/ranking";
import { axisOf, diagonal, twoColumnLegend } from "./axes";
import type { Figure } from "./figure";
import { plain } from "./text";
import { COLUMN, type FigureOptions, layoutOf, themeOf } from "./theme";

/** How {@link rankingCurves} is drawn. */
export interface RankingCurvesOptions extends FigureOptions {
  /** True against false positives, or precision against recall. Default: `roc`. */
  readonly show?: "roc" | "precision-recall";
}

/**
 * Each class against the rest at every threshold, with the area (ROC) or the average precision in
 * the legend.
 */
export function rankingCurves(
  predictions: Predictions,
  { show = "roc", ...options }: RankingCurvesOptions = {},
): Figure {
  const theme = themeOf(options);
  const roc = show === "roc";
  const { classNames, labels } = predictions;
  const present = new Set(labels);
  const data: object[] = [];
  if (roc) data.push({ ...diagonal(theme), showlegend: false });
  classNames.forEach((name, c) => {
    if (!present.has(c) || present.size === 1) return;
    const thresholds = thresholdsOf(predictions, c);
    const score = roc ? rocAuc(thresholds) : averagePrecision(thresholds);
    const { x, y } = thin(roc ? rocCurve(thresholds) : precisionRecallCurve(thresholds));
    data.push({
      type: "scatter",
      mode: "lines",
      name: `${plain(name)} ${score.toFixed(3)}`,
      legend: c < classNames.length / 2 ? "legend" : "legend2",
      x,
      y,
      line: {
        color: theme.palette[c % theme.palette.length],
        width: 1.6,
        dash: ["solid", "5px,2px", "2px,2px"][c % 3],
        shape: roc ? "linear" : "hv",
      },
    });
  });
  const plot = COLUMN - 52 - 10;
  const legend = Math.ceil(classNames.length / 2) * 17;
  const range = [-0.01, 1.01];
  return {
    data,
    layout: layoutOf(
      theme,
      { height: plot + 10 + 44 + legend, margin: { l: 52, r: 10, t: 10, b: 44 + legend } },
      {
        showlegend: true,
        ...twoColumnLegend(46 / plot),
        xaxis: axisOf(theme, roc ? "False positive rate" : "Recall", { range, dtick: 0.2 }),
        yaxis: axisOf(theme, roc ? "True positive rate" : "Precision", { range, dtick: 0.2 }),
      },
    ),
  };
}

/** Only the points that a printed curve can show: those 1/500 of the square from the last. */
function thin({ x, y }: Curve): { x: number[]; y: number[] } {
  const kept = { x: [x[0]], y: [y[0]] };
  for (let i = 1; i < x.length; i++) {
    const last = kept.x.length - 1;
    const far = Math.hypot(x[i] - kept.x[last], y[i] - kept.y[last]) > 0.002;
    if (!far && i < x.length - 1) continue;
    kept.x.push(x[i]);
    kept.y.push(y[i]);
  }
  return kept;
}
