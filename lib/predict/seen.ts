import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../data/dataset";
import { compile } from "../engine/compile";
import { unitRange } from "../engine/ops/pixels";
import { withoutAutocast } from "../engine/trace";
import type { Seen } from "../evaluate/detectors/detector";
import type { FeatureMatrix } from "../evaluate/feature-matrix";
import type { Model } from "../models/module";
import type { PredictionTable, Task } from "../tasks/task";
import { type PassOptions, passOver } from "./answers";
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

/**
 * Features, logits and answers of a network in one pass: what detectors of strange pictures go by. The
 * strengths are those of the first question, which is about every galaxy; labels are those of the table.
 *
 * @param model Stays the caller's.
 * @param rows Row numbers. Default: all.
 * @throws UserError as `networkPredictor`
 */
export async function seenPictures<Table extends PredictionTable>(
  model: Model,
  task: Task<Table>,
  dataset: Dataset,
  rows: ArrayLike<number> = everyRow(dataset),
  options: PassOptions = {},
): Promise<SeenPictures<Table>> {
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
    const seen = atInputSize(model, dataset);
    const { values, width } = await passOver(seen, rows, compiled.call.look, options);
    const take = (from: number, count: number): FeatureMatrix & { values: Float64Array } => ({
      values: Float64Array.from(
        { length: rows.length * count },
        (_, i) => values[Math.floor(i / count) * width + from + (i % count)],
      ),
      width: count,
    });
    const features = take(0, model.numFeatures);
    const logits = take(model.numFeatures, task.numLogits);
    const outputs = task.outputs.length;
    const table = task.table(dataset, rows, take(width - outputs, outputs).values);
    const { strengths, questions, labels } = table as Partial<
      Record<"strengths" | "questions" | "labels", ArrayLike<number>>
    >;
    const first =
      strengths && questions && Float64Array.from(rows, (_, i) => strengths[i * questions.length]);
    return {
      ...{ features, logits, table },
      ...(first && { strengths: first }),
      ...(labels && { labels }),
    };
  } finally {
    compiled.dispose();
  }
}
