import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../data/dataset";
import { compile } from "../engine/compile";
import { unitRange } from "../engine/ops/pixels";
import { withoutAutocast } from "../engine/trace";
import type { Seen } from "../evaluate/detectors/detector";
import type { FeatureMatrix } from "../evaluate/feature-matrix";
import type { Model } from "../models/module";
import type { PredictionTable, Task } from "../tasks/task";
import { inAll, type PassOptions, passOver } from "./answers";
import { atInputSize } from "./network-predictor";
import { everyRow } from "./predictor";
import { normalize } from "./preprocess";

/** Everything that a network makes of pictures. */
export interface SeenPictures<Table extends PredictionTable = PredictionTable> extends Seen {
  /** Its logits. */
  readonly logits: FeatureMatrix;
  /** Its answers. */
  readonly table: Table;
}

/** Galaxies or other pictures: a data set, and the rows of it. */
export type PictureSet = readonly [dataset: Dataset, rows?: ArrayLike<number>];

/**
 * Features, logits and answers of a network in one pass: what detectors of strange pictures go by. The
 * strengths are those of the first question, which is about every galaxy; labels are those of the table.
 *
 * @param model Stays the caller's.
 * @param sets Pictures by name, each a data set and row numbers (default: all rows).
 * @returns what is seen, under the same names
 * @throws UserError as `networkPredictor`
 */
export async function seenPictures<Table extends PredictionTable, Name extends string>(
  model: Model,
  task: Task<Table>,
  sets: Readonly<Record<Name, PictureSet>>,
  options: PassOptions = {},
): Promise<Record<Name, SeenPictures<Table>>> {
  const context = { training: false };
  const look = (images: tf.Tensor) =>
    tf.tidy(() => {
      const x = normalize(unitRange(images), model.preprocessing);
      const maps = model.forwardFeatures(x, context);
      const features = model.forwardHead(maps, context, { preLogits: true });
      const logits = model.forwardHead(maps, context);
      const answers = withoutAutocast(() => task.activate(logits));
      return tf.concat([features, logits, answers], 1);
    });
  const variables = [...model.parameters.values()].map(({ variable }) => variable);
  const compiled = compile({ look }, { variables });
  try {
    const seen: Partial<Record<Name, SeenPictures<Table>>> = {};
    const names = Object.keys(sets) as Name[];
    const all = names.map((name) => {
      const [dataset, rows = everyRow(dataset)] = sets[name];
      return { name, dataset, rows };
    });
    const passes = inAll(
      all.map(({ rows }) => rows.length),
      options,
    );
    for (const [i, { name, dataset, rows }] of all.entries()) {
      const own = atInputSize(model, dataset);
      const { values } = await passOver(own, rows, compiled.call.look, passes[i]);
      seen[name] = partsOf(model, task, dataset, rows, values);
    }
    return seen as Record<Name, SeenPictures<Table>>;
  } finally {
    compiled.dispose();
  }
}

/** Rows of features, logits and answers one after another, taken apart. */
function partsOf<Table extends PredictionTable>(
  { numFeatures }: Model,
  task: Task<Table>,
  dataset: Dataset,
  rows: ArrayLike<number>,
  values: Float64Array,
): SeenPictures<Table> {
  const outputs = task.outputs.length;
  const width = numFeatures + task.numLogits + outputs;
  const take = (from: number, count: number) => ({
    values: Float64Array.from(
      { length: rows.length * count },
      (_, i) => values[Math.floor(i / count) * width + from + (i % count)],
    ),
    width: count,
  });
  const features = take(0, numFeatures);
  const logits = take(numFeatures, task.numLogits);
  const table = task.table(dataset, rows, take(width - outputs, outputs).values);
  const { strengths, questions, labels } = table as Partial<
    Record<"strengths" | "questions" | "labels", ArrayLike<number>>
  >;
  const first =
    strengths &&
    questions &&
    Float64Array.from({ length: rows.length }, (_, i) => strengths[i * questions.length]);
  return {
    ...{ features, logits, table },
    ...(first && { strengths: first }),
    ...(labels && { labels }),
  };
}
