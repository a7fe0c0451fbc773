import { boostedPredictor } from "../boost/boosted-predictor";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { openDataset } from "../data/open";
import { isSameData } from "../data/same-data";
import { readSplit, rowsOfSplit } from "../data/splits";
import { usualCrop } from "../data/usual-crop";
import { checkWritable, writeFileAtomic } from "../io/atomic";
import { untilInterrupted } from "../notebook/interrupt";
import { withProgress } from "../notebook/progress";
import { matchingCrop } from "../predict/matching-crop";
import { networkPredictor } from "../predict/network-predictor";
import { everyRow, type Predictor } from "../predict/predictor";
import { taskFromDescription } from "../tasks/registry";
import type { Task } from "../tasks/task";
import { isRunsData } from "../train/row-digests";
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
    split: {
      type: "text",
      value: "NAME",
      help: "Of the run's own split where the data are the run's, wherever they lie now, else of the data's: train, val, test or all.",
      default: "all",
    },
    crop: {
      type: "integer",
      value: "N",
      help: "Side in pixels of the middle cut out of each image. Default: as in training.",
      least: 1,
    },
  },
  async run({ data: spec, out, split, crop, ...values }) {
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
        const rows = await rowsAsked(named, task, dataset, spec, split);
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

/** How the votes of a run's own data are read. */
function votesOf({ trained }: NamedModel, spec: string) {
  if (trained === undefined || !isSameData(trained.experiment.data.spec, spec)) return {};
  const { tree, votes } = trained.experiment.data;
  return { tree, votes };
}

/** The rows of the split that was asked for. */
async function rowsAsked(
  { trained }: NamedModel,
  task: Task,
  dataset: Dataset,
  spec: string,
  split: string,
): Promise<Uint32Array> {
  if (split === "all") return everyRow(dataset);
  const ids = asText(dataset.table.id);
  const own =
    trained !== undefined &&
    (isSameData(trained.experiment.data.spec, spec) ||
      (await isRunsData(trained.run, task, dataset, spec)));
  const kept = own ? await readSplit(trained.run.splitPath) : undefined;
  const names = kept ? ids.map((id) => kept.get(id) ?? "") : asText(dataset.table.split ?? []);
  const rows = rowsOfSplit(names, split);
  if (rows.length > 0) return rows;
  const source = own ? `the run ${trained.run.path}` : spec;
  const others =
    trained === undefined || own
      ? ""
      : ` (these are not the galaxies, labels and pictures of the run ${trained.run.path}, whose own split is therefore not used)`;
  const counts = new Map<string, number>();
  for (const name of names) {
    if (name !== "" && name !== "unused") counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const there = [...counts].map(([name, count]) => `${name} (${count})`).join(", ");
  throw new UserError(
    `${source} has no rows in a split "${split}"; it has ${there === "" ? "no splits" : there}${others}`,
    there === "" ? "give --split all" : "give one of these, or --split all",
  );
}
