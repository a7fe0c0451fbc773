import {
  asNumbers,
  confusionMatrix,
  type ExperimentConfig,
  evaluateRun,
  exportFigures,
  mostConfusedPairs,
  networkPredictor,
  openExperiment,
  showFigure,
  startEngine,
  tf,
  train,
  UserError,
} from "tuning-fork";
import { expectType, type Same } from "./expect-type";

/** The cells of a notebook, in their order. */
export async function calls() {
  const experiment = openExperiment("configs/quickstart.yaml", { profile: "quick", set: [] });
  const { version, device } = await startEngine();
  expectType<Same<typeof version | typeof device, string>>();
  const { dataset, test } = await experiment.data();
  expectType<Same<typeof experiment.config, ExperimentConfig>>();

  const { bestEpoch, history } = await train(experiment);
  bestEpoch.toFixed();
  expectType<Same<ReturnType<typeof asNumbers>, number[]>>();
  asNumbers(history.epoch);
  const { metrics, predictions } = await evaluateRun(experiment);
  const [worst] = mostConfusedPairs(predictions, 1);
  await dataset.read(worst.rows.map((row) => test[row]));
  const matrix = confusionMatrix(metrics);
  showFigure(matrix);
  // @ts-expect-error: a run names its files
  await exportFigures([matrix]);
  await exportFigures(experiment.run.figures({ matrix }), { widthMm: 88, dpi: 300 });
  // @ts-expect-error: a predictor knows what it is asked
  networkPredictor(await experiment.model());
  tf.zeros([2]).dispose();
  // @ts-expect-error: an error says what to do
  throw new UserError("it is wrong");
}

// @ts-expect-error: what is rarely used is in the entry point of its room
import { Parameters } from "tuning-fork";
// @ts-expect-error: nothing else can be imported
import { splits } from "tuning-fork/data/splits";

export const unused = [Parameters, splits];
