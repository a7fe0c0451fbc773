import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "#lib/core/errors";
import { isUsingGpu } from "#lib/engine/native";
import { fused } from "#lib/engine/trace";
import { compiler, values, vector } from "./support";

describe("fused functions, compiled", () => {
  const make = compiler();

  it("uses a tensor from outside in a fused function and after it", () => {
    const outside = vector(1, 2, 3);
    const inside = (x: tf.Tensor) => fused(() => tf.mul(tf.add(x, outside), 2));
    const { call } = make((x) => tf.add(inside(x), outside));
    // The large one becomes one kernel.
    for (const rows of [1, 2 ** 15]) {
      assert.deepEqual(values(call.fn(tf.ones([rows, 3]))).slice(0, 3), [5, 8, 11]);
    }
  });

  it("says how much memory was missing, and goes on after it", () => {
    const sums = (x: tf.Tensor) => tf.add(tf.reshape(x, [-1, 1]), tf.reshape(x, [1, -1]));
    const plain = make((x) => tf.sum(tf.relu(sums(x))), []);
    const inOne = make((x) => tf.sum(fused(() => tf.mul(tf.exp(sums(x)), 2))), []);
    for (const { call } of [plain, inOne]) {
      const before = tf.memory().numTensors;
      const huge = tf.zeros([300_000]);
      assert.throws(
        () => call.fn(huge),
        isUsingGpu()
          ? /out of memory: no room for (335\.28 ?GiB|a result on the GPU).*\n.*smaller batch/
          : /out of memory: no room for 335\.28 ?GiB.*\n.*smaller batch/,
      );
      huge.dispose();
      assert.equal(tf.memory().numTensors, before);
      assert.equal(Number.isFinite(values(call.fn(tf.zeros([3])))[0]), true);
    }
  });

  const far = (x: tf.Tensor) => tf.reshape(tf.tile(x, [2]), [2, -1]);
  for (const [name, rows] of [
    ["small", 4],
    ["large", 2 ** 16],
  ] as const) {
    it(`refuses in a ${name} fused function what one kernel cannot hold`, () => {
      const { call } = make((x) => fused(() => tf.add(far(x), 1)));
      assert.throws(
        () => call.fn(tf.ones([rows])),
        (error) =>
          error instanceof UserError &&
          /"fn" has Tile in a fused function/.test(error.problem) &&
          /AddV2.*Relu/.test(error.remedy),
      );
    });

    it(`runs a ${name} fused function within another one`, () => {
      const { call } = make((x) =>
        fused(() =>
          tf.relu(
            tf.sub(
              fused(() => tf.mul(x, 3)),
              1,
            ),
          ),
        ),
      );
      assert.deepEqual(values(call.fn(tf.ones([rows]))).slice(0, 2), [2, 2]);
    });

    it(`refuses to use outside what a ${name} fused function has inside`, () => {
      const { call } = make((x) => {
        let inside = x;
        const result = fused(() => {
          inside = tf.keep(tf.exp(x));
          return tf.mul(inside, 2);
        });
        return tf.add(result, inside);
      });
      assert.throws(() => call.fn(tf.ones([rows])), /from inside a fused function/);
    });
  }
});
