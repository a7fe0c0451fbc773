import { UserError } from "../core/errors";
import { asText } from "../core/table";
import { openDataset } from "../data/open";
import { loadSplit, rowsOfSplit } from "../data/splits";
import { startEngine } from "../engine/start";
import { writePredictions } from "../evaluate/predictions-file";
import { loadWeights } from "../models/model-file";
import { createModel } from "../models/registry";
import { untilInterrupted } from "../notebook/interrupt";
import { progress } from "../notebook/progress";
import { predict } from "../predict/predict";
import { experimentSchema, parseConfig } from "../train/config";
import { openSplit } from "../train/experiment-data";
import { openTrainedModel } from "../train/experiment-model";
import { RunFolder } from "../train/run-folder";
import { type Arguments, integerOption, requiredOption, textOption, type Verb } from "./verb";

/** The model that --run or --model, --weights and --classes name, and the run's own settings. */
export async function namedModel(args: Arguments) {
  await startEngine();
  const run = textOption(args, "run");
  if (run !== undefined) return openTrainedModel(new RunFolder(run));
  const name = requiredOption(args, "model", "resnet18");
  const classes = integerOption(args, "classes", 10, 1);
  const model = createModel(name, { numClasses: classes });
  loadWeights(model, requiredOption(args, "weights", "model.safetensors"));
  return { model, experiment: undefined };
}

export const modelOptions = {
  run: { type: "string" },
  model: { type: "string" },
  weights: { type: "string" },
  classes: { type: "string" },
} as const;

export const verb: Verb = {
  summary: "Probabilities of each class, as a table",
  usage: `(--run RUN | --model NAME --weights FILE --classes N) --data SPEC --out FILE.csv
         [--split train|val|test|all]

  --run RUN       a run's folder: its best weights, its data's framing
  --split NAME    of the run's own split where the data are the run's, else of the data's; default all`,
  options: {
    ...modelOptions,
    data: { type: "string" },
    out: { type: "string" },
    split: { type: "string" },
  },
  async run(args) {
    const spec = requiredOption(args, "data", "synthetic");
    const out = requiredOption(args, "out", "predictions.csv");
    const split = textOption(args, "split") ?? "all";
    const { model, experiment } = await namedModel(args);
    const settings = parseConfig(experimentSchema, {
      data: { ...experiment?.data, spec },
      model: { name: model.name },
    });
    const { dataset } = await openSplit(settings);
    const bar = progress(dataset.size, "predicting");
    try {
      const names =
        experiment?.data.spec === spec
          ? await loadSplit(
              new RunFolder(textOption(args, "run") ?? "").splitPath,
              asText(dataset.table.id),
            )
          : asText((await openDataset(spec)).table.split ?? []);
      const rows =
        split === "all"
          ? Uint32Array.from({ length: dataset.size }, (_, row) => row)
          : rowsOfSplit(names, split);
      if (rows.length === 0) {
        throw new UserError(`${spec} has no rows in a split "${split}"`, "give --split all");
      }
      const predictions = await untilInterrupted((signal) =>
        predict(model, dataset, rows, {
          ...experiment?.predict,
          signal,
          onProgress: (done) => bar.update(done),
        }),
      );
      await writePredictions(out, predictions);
      bar.finish();
      console.log(`${rows.length} predictions: ${out}`);
    } finally {
      model.dispose();
      await dataset.close();
    }
    return undefined;
  },
};
