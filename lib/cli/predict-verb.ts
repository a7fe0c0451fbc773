import { UserError } from "../core/errors";
import { asText } from "../core/table";
import { openDataset } from "../data/open";
import { loadSplit, rowsOfSplit } from "../data/splits";
import { writePredictions } from "../evaluate/predictions-file";
import { untilInterrupted } from "../notebook/interrupt";
import { progress } from "../notebook/progress";
import { predict } from "../predict/predict";
import { experimentSchema, parseConfig } from "../train/config";
import { openSplit } from "../train/experiment-data";
import { RunFolder } from "../train/run-folder";
import { modelOptions, namedModel } from "./named-model";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "Probabilities of each class, as a table",
  options: {
    ...modelOptions,
    data: {
      type: "text",
      value: "SPEC",
      help: "The galaxies: a registered name, an .h5 file, a CSV, a folder of images or of class folders.",
      required: "synthetic",
    },
    out: { type: "text", value: "FILE.csv", help: "The table.", required: "predictions.csv" },
    split: {
      type: "text",
      value: "NAME",
      help: "Of the run's own split where the data are the run's, else of the data's: train, val, test or all.",
      default: "all",
    },
  },
  async run({ data: spec, out, split, ...named }) {
    const { model, experiment } = await namedModel(named);
    const settings = parseConfig(experimentSchema, {
      data: { ...experiment?.data, spec },
      model: { name: model.name },
    });
    const { dataset } = await openSplit(settings);
    const bar = progress(dataset.size, "predicting");
    try {
      const names =
        experiment?.data.spec === spec
          ? await loadSplit(new RunFolder(named.run ?? "").splitPath, asText(dataset.table.id))
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
      say(`${rows.length} predictions: ${out}`);
    } finally {
      model.dispose();
      await dataset.close();
    }
    return undefined;
  },
});
