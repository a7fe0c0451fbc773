import type { Table } from "../core/table";
import { reliabilityTable } from "../evaluate/calibration";
import type { Predictions } from "../evaluate/predictions";
import { evaluate } from "../evaluate/summary";
import { confusionMatrix } from "./confusion-matrix";
import type { Figure } from "./figure";
import { perClassBars } from "./per-class-bars";
import { rankingCurves } from "./ranking-curves";
import { reliabilityDiagram } from "./reliability-diagram";
import type { FigureOptions } from "./theme";
import { trainingCurves } from "./training-curves";

/** The tables that a run's folder holds. */
export interface RunTables {
  readonly predictions: Predictions;
  readonly history?: Table;
}

/** Every figure of one run by name, from its tables alone; `exportFigures` writes them. */
export function runFigures(
  { predictions, history }: RunTables,
  options: FigureOptions = {},
): Record<string, Figure> {
  const summary = evaluate(predictions);
  return {
    ...(history ? { "training-curves": trainingCurves(history, options) } : {}),
    "confusion-matrix": confusionMatrix(summary, options),
    "confusion-matrix-counts": confusionMatrix(summary, { show: "counts", ...options }),
    "per-class-bars": perClassBars(summary, options),
    "roc-curves": rankingCurves(predictions, options),
    "precision-recall-curves": rankingCurves(predictions, {
      show: "precision-recall",
      ...options,
    }),
    "reliability-diagram": reliabilityDiagram(reliabilityTable(predictions), options),
  };
}
