import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import { type NetworkOptions, networkPredictor } from "../predict/network-predictor";
import { everyRow, type Predictor } from "../predict/predictor";
import type { PredictionTable, Task } from "../tasks/task";
import { matrixOf } from "./boost-matrix";
import type { BoostedTrees } from "./boosted-trees";

/** Galaxies whose features are in memory at once. */
const PIECE = 4096;

/** A network and the trees that answer by its features. */
export interface BoostedNetwork<Table extends PredictionTable = PredictionTable> {
  /** It sees the pictures; it stays the caller's. */
  readonly backbone: Model;
  /** What the network itself was asked. */
  readonly backboneTask: Task;
  /** They stay the caller's. */
  readonly trees: BoostedTrees;
  /** What the trees are asked. */
  readonly task: Task<Table>;
}

/**
 * Boosted trees on a network's features, as any predictor is: pictures go in, answers come out.
 *
 * @param options How the network computes features; neither dropout nor other views of a picture are used.
 * @throws UserError when the trees answer other things than the task asks
 */
export function boostedPredictor<Table extends PredictionTable>(
  { backbone, backboneTask, trees, task }: BoostedNetwork<Table>,
  options: NetworkOptions = {},
): Predictor<Table> {
  if (trees.names.join("\n") !== task.outputs.join("\n")) {
    throw new UserError(
      `the trees answer ${trees.names.join(", ")}, and ${task.outputs.join(", ")} are asked`,
      "train them again for this task",
    );
  }
  const { precision, batchSize, signal } = options;
  const network = networkPredictor(backbone, backboneTask, { precision, batchSize, signal });
  return {
    task,
    async predict(dataset, rows = everyRow(dataset), given) {
      const answers = new Float64Array(rows.length * task.outputs.length);
      const all = Uint32Array.from(rows);
      for (let from = 0; from < all.length; from += PIECE) {
        const { values, width } = await network.features(
          dataset,
          all.subarray(from, from + PIECE),
          {
            ...given,
            onProgress: (done) => given?.onProgress?.(from + done, all.length),
          },
        );
        const own = await trees.predict(matrixOf(values, width));
        answers.set(own, from * task.outputs.length);
      }
      return task.table(dataset, rows, task.normalize(answers));
    },
    features: network.features,
    dispose: network.dispose,
  };
}
