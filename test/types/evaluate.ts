import {
  type ClassificationMetric,
  type classificationMetrics,
  createPredictions,
  evaluate,
  mcNemar,
  type Predictions,
  probabilitiesOf,
  readPredictions,
  type Summary,
} from "tuning-fork/evaluate";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const table = createPredictions({
    classNames: ["a", "b"],
    ids: ["1"],
    labels: [0],
    probabilities: [0.25, 0.75],
  });
  expectType<Same<typeof table, Predictions>>();
  // @ts-expect-error: galaxies have names
  createPredictions({ classNames: ["a", "b"], probabilities: [0.25, 0.75] });
  // @ts-expect-error: rows are one after the other in one array
  createPredictions({ classNames: ["a"], ids: ["1"], probabilities: [[1]] });

  const summary = evaluate(table);
  expectType<Same<typeof summary, Summary>>();
  // What is registered is what a summary holds.
  expectType<
    Same<
      keyof typeof classificationMetrics,
      Exclude<keyof Summary, "rows" | "perClass" | "confusion">
    >
  >();
  expectType<Same<typeof classificationMetrics.ece, ClassificationMetric>>();
  summary.balancedAccuracy.toFixed(3);
  // @ts-expect-error: not every class has a curve
  summary.perClass[0].rocAuc.toFixed(3);
  // @ts-expect-error: no such metric
  summary.f1;
  // @ts-expect-error: a summary is a table's, not numbers'
  evaluate([0, 1], [0, 1]);
  // @ts-expect-error: a table may have none: probabilitiesOf says so
  table.probabilities[0].toFixed(3);
  probabilitiesOf(table, "a curve")[0].toFixed(3);
  mcNemar(await readPredictions("a.csv"), table);
}
