import assert from "node:assert/strict";
import type { Predictions } from "#lib/evaluate/predictions";
import { ensemblePredictor } from "#lib/predict/ensemble-predictor";
import { everyRow, type Predictor } from "#lib/predict/predictor";
import { taskFromDescription } from "#lib/tasks/registry";
import { tinyDataset } from "../train/support";

const dataset = tinyDataset(4, 8);

/** Says of every galaxy that it is the first of `outputs` with probability `first`. */
function constant(outputs: readonly string[], first: number): Predictor {
  const task = taskFromDescription({ task: "classification", loss: "crossEntropy", outputs });
  return {
    task,
    async predict(data, rows = everyRow(data), options) {
      options?.onProgress?.(rows.length, rows.length);
      const answers = Float64Array.from({ length: rows.length * 2 }, (_, i) =>
        i % 2 === 0 ? first : 1 - first,
      );
      return task.table(data, rows, answers);
    },
    features: () => Promise.reject(new Error("none")),
    dispose() {},
  };
}

describe("an ensemble's predictor", () => {
  it("is the weighted mean, its columns matched by name", async () => {
    const members = [constant(["gray", "red"], 0.9), constant(["Red", "Gray"], 0.7)];
    const done: string[] = [];
    const onProgress = (now: number, total: number) => done.push(`${now}/${total}`);
    const ensemble = ensemblePredictor(members, [3, 1]);
    const table = (await ensemble.predict(dataset, [1, 2], { onProgress })) as Predictions;
    assert.deepEqual(table.classNames, ["gray", "red"]);
    assert.ok(Math.abs((table.probabilities?.[0] ?? 0) - (3 * 0.9 + 0.3) / 4) < 1e-12);
    assert.deepEqual([...table.labels], [1, 0]);
    assert.deepEqual(done, ["2/4", "4/4"]);
  });

  it("refuses weights without a sum, and members that answer something else", () => {
    const one = constant(["gray", "red"], 0.9);
    for (const weights of [[0, 0], [Number.NaN, 1], [-1, 2], [1], [Number.POSITIVE_INFINITY, 1]]) {
      assert.throws(() => ensemblePredictor([one, one], weights), /the weights of 2 members/);
    }
    assert.throws(() => ensemblePredictor([]), /no members/);
    assert.throws(
      () => ensemblePredictor([one, constant(["gray", "blue"], 0.5)]),
      /different things: gray, red, and gray, blue/,
    );
  });
});
