import { openDataset } from "tuning-fork/data";
import { createModel } from "tuning-fork/models";
import { ensemblePredictor, type Features, networkPredictor, predict } from "tuning-fork/predict";
import { createTask, type PredictionTable, type Task } from "tuning-fork/tasks";
import { expectType, type Same } from "./expect-type";

interface Sizes extends PredictionTable {
  readonly sizes: Float64Array;
}

export async function calls(sizes: Task<Sizes>) {
  const dataset = await openDataset("synthetic");
  const model = createModel("resnet18", { numClasses: 10 });
  const task = createTask(dataset);
  const { signal } = new AbortController();
  const table = await predict(model, task, dataset, [0, 1], { testTimeAugmentation: true, signal });
  expectType<Same<typeof table, PredictionTable>>();
  // @ts-expect-error: no such option
  await predict(model, task, dataset, [0], { tta: true });
  // @ts-expect-error: rows before options
  await predict(model, task, dataset, { testTimeAugmentation: true });
  // @ts-expect-error: no such number format
  networkPredictor(model, task, { precision: "float16" });

  // What a task's tables are goes through.
  const predictor = networkPredictor(model, sizes, { precision: "mixed_bfloat16", batchSize: 8 });
  const answers = await predictor.predict(dataset);
  expectType<Same<typeof answers, Sizes>>();
  const features = await predictor.features(dataset, new Uint32Array([0]));
  expectType<Same<typeof features, Features>>();
  const ensemble = ensemblePredictor([predictor, predictor], [1, 2]);
  expectType<Same<Awaited<ReturnType<typeof ensemble.predict>>, Sizes>>();
  // @ts-expect-error: members answer the same question
  ensemblePredictor<Sizes>([predictor, networkPredictor(model, task)]);
  // @ts-expect-error: weights are numbers
  ensemblePredictor([predictor], ["accuracy"]);
  ensemble.dispose();
}
