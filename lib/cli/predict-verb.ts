import { boostedPredictor } from "../boost/boosted-predictor";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { openDataset } from "../data/open";
import { usualCrop } from "../data/usual-crop";
import { checkWritable, writeFileAtomic } from "../io/atomic";
import { untilInterrupted } from "../notebook/interrupt";
import { withProgress } from "../notebook/progress";
import { matchingCrop } from "../predict/matching-crop";
import { networkPredictor } from "../predict/network-predictor";
import type { Predictor } from "../predict/predictor";
import { taskFromDescription } from "../tasks/registry";
import type { Task } from "../tasks/task";
import { rowsAsked, rowsOptions, votesOf } from "./asked-rows";
import { modelOptions, modelView, type NamedModel, namedModel } from "./named-model";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "What a trained model says of galaxies, as a table",
  options: {
    ...modelOptions,
    data: {
      type: "text",
      value: "SPEC",
      help: "The galaxies, with labels or without: a registered name, an .h5 file, a CSV, a folder of images or of class folders, an image.",
      required: "synthetic",
    },
    out: { type: "text", value: "FILE.csv", help: "The table.", required: "predictions.csv" },
    ...rowsOptions,
    crop: {
      type: "integer",
      value: "N",
      help: "Side in pixels of the middle cut out of each image. Default: as in training.",
      least: 1,
    },
  },
  async run({ data: spec, out, split, shard, crop, ...values }) {
    checkWritable(out);
    const named = await namedModel(values);
    const { model, description, trained } = named;
    let predictor: Predictor | undefined;
    try {
      if (description.task === undefined) {
        throw new UserError(
          "the model's file does not say what its outputs are called",
          "train it again, or save it with its task",
        );
      }
      predictor = predictorOf(named, taskFromDescription(description.task));
      const { task } = predictor;
      const asked = predictor;
      const dataset = await openDataset(spec, {
        ...modelView(named, crop),
        skipBad: trained?.experiment.data.skipBad,
        ...votesOf(named, spec),
      });
      try {
        const { warning } = matchingCrop(description.view, dataset.sourceSize, usualCrop);
        if (crop === undefined && warning !== undefined) console.error(`${warning} (--crop N)`);
        for (const notice of [...(dataset.notices ?? []), ...task.notices(dataset)]) {
          console.error(printable(notice));
        }
        const rows = await rowsAsked(named, task, dataset, spec, { split, shard });
        const table = await withProgress("predicting", (onProgress) =>
          untilInterrupted((signal) =>
            asked.predict(dataset, rows, {
              signal,
              onProgress: (done) => onProgress(done, rows.length),
            }),
          ),
        );
        writeFileAtomic(out, task.formatTable(table));
        say(`${rows.length} predictions: ${out}`);
      } finally {
        await dataset.close();
      }
    } finally {
      predictor?.dispose();
      named.trees?.dispose();
      model.dispose();
    }
    return undefined;
  },
});

/** Whatever answers: the network, or boosted trees by its features. */
function predictorOf({ model, trees, task, trained }: NamedModel, own: Task): Predictor {
  const options = trained?.experiment.predict;
  return trees === undefined || task === undefined
    ? networkPredictor(model, own, options)
    : boostedPredictor({ backbone: model, backboneTask: own, trees, task }, options);
}
