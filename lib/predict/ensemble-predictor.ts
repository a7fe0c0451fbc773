import { UserError } from "../core/errors";
import { matchNames } from "../core/names";
import type { Dataset } from "../data/dataset";
import type { PredictionTable, Task } from "../tasks/task";
import type { PassOptions } from "./answers";
import { everyRow, type Predictor } from "./predictor";

/**
 * Several predictors as one, whose answers are the weighted mean of theirs. Outputs are matched by
 * name, in the order of the first member.
 *
 * @param members At least one; all answer the same task. They stay the caller's.
 * @param weights One a member, 0 or more; they are divided by their sum. Default: all equal.
 * @throws UserError when the members answer different things, or the weights have no sum
 */
export function ensemblePredictor<Table extends PredictionTable>(
  members: readonly Predictor<Table>[],
  weights: readonly number[] = members.map(() => 1),
): Predictor<Table> {
  if (members.length === 0) {
    throw new UserError("an ensemble has no members", "give one predictor or more");
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const usable = weights.every((weight) => weight >= 0) && total > 0 && Number.isFinite(total);
  if (!usable || weights.length !== members.length) {
    throw new UserError(
      `the weights of ${members.length} members are ${weights.join(", ")}`,
      "give each member a number from 0, not all of them 0",
    );
  }
  const { task } = members[0];
  const columns = members.map((member) => columnsOf(task, member.task));
  const width = task.outputs.length;
  return {
    task,
    async predict(dataset: Dataset, rows = everyRow(dataset), options: PassOptions = {}) {
      const sums = new Float64Array(rows.length * width);
      for (const [m, member] of members.entries()) {
        const table = await member.predict(dataset, rows, {
          ...options,
          onProgress: (done) =>
            options.onProgress?.(m * rows.length + done, members.length * rows.length),
        });
        const own = member.task.answers(table);
        for (let i = 0; i < sums.length; i++) {
          const row = Math.floor(i / width);
          sums[i] += (weights[m] / total) * own[row * width + columns[m][i % width]];
        }
      }
      return task.table(dataset, rows, sums);
    },
    async features() {
      throw new UserError("an ensemble has no features of its own", "ask its members for theirs");
    },
    dispose() {},
  };
}

/** Where each output of `task` stands among those of a member. */
function columnsOf(task: Task, member: Task): Int32Array {
  const columns = matchNames(task.outputs, member.outputs);
  if (member.outputs.length === task.outputs.length && !columns.includes(-1)) return columns;
  throw new UserError(
    `members of an ensemble answer different things: ${task.outputs.join(", ")}, and ${member.outputs.join(", ")}`,
    "put together models that were trained on the same classes or questions",
  );
}
