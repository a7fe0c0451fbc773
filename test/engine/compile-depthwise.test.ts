import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "#lib/core/random";
import { compile } from "#lib/engine/compile";
import { depthwiseConv2d, relu6 } from "#lib/engine/ops";
import { type Precision, startEngine } from "#lib/engine/start";

/** Values of −1 to 1 that bfloat16 holds, so that its products are exact. */
function eighths(shape: readonly number[], name: string): tf.Tensor {
  const random = new Random(1, name);
  const values = Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    () => random.integer(17) / 8 - 1,
  );
  return tf.tensor(values, [...shape]);
}

describe("gradients in bfloat16", () => {
  const outer = process.env.TUNING_FORK_PROCESSOR;
  before(() => startEngine());
  afterEach(() => {
    if (outer === undefined) delete process.env.TUNING_FORK_PROCESSOR;
    else process.env.TUNING_FORK_PROCESSOR = outer;
  });

  /** Results of a function compiled in a precision, as a processor with bfloat16 has it. */
  const inPrecision = (
    precision: Precision,
    fn: (...inputs: tf.Tensor[]) => tf.Tensor[],
    inputs: readonly tf.Tensor[],
  ) => {
    process.env.TUNING_FORK_PROCESSOR = "avx512_bf16";
    const { call, dispose } = compile({ fn }, { variables: [], precision });
    const results = call.fn(...inputs);
    const values = results.map((result) => [...result.dataSync()]);
    tf.dispose(results);
    dispose();
    return values;
  };
  const alike = (a: number[][], b: number[][], tolerance: number) => {
    for (const [i, values] of a.entries()) {
      const largest = Math.max(...b[i].map(Math.abs));
      const off = Math.max(...values.map((value, at) => Math.abs(value - b[i][at])));
      assert.equal(values.length, b[i].length);
      assert.ok(largest > 0 && off <= tolerance * largest, `result ${i}: ${off} of ${largest}`);
    }
  };

  for (const [size, stride, padding] of [
    [3, 1, 1],
    [5, 1, 2],
    [7, 1, 3],
    [3, 2, 1],
    [5, 2, 0],
    [5, 1, 0],
    [7, 2, 2],
  ] as const) {
    it(`are those of float32 for depthwise filters of ${size} × ${size}, stride ${stride}, padding ${padding}`, () => {
      const inputs = tf.tidy(() => {
        const image = eighths([2, 13, 12, 16], "image") as tf.Tensor4D;
        const filter = eighths([size, size, 16, 1], "filter") as tf.Tensor4D;
        const { shape } = depthwiseConv2d(image, filter, stride, padding);
        return [image, filter, eighths(shape, "weights")];
      });
      const fn = (x: tf.Tensor, w: tf.Tensor, dy: tf.Tensor) =>
        tf.grads((x: tf.Tensor, w: tf.Tensor) =>
          depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, padding),
        )([x, w], dy);
      const given = fn as (...inputs: tf.Tensor[]) => tf.Tensor[];
      alike(
        inPrecision("mixed_bfloat16", given, inputs),
        inPrecision("float32", given, inputs),
        1 / 128,
      );
      tf.dispose(inputs);
    });
  }

  it("are those of float32 for ReLU6, large enough to be one kernel", () => {
    const inputs = tf.tidy(() => {
      return [tf.mul(eighths([300, 300], "x"), 8), eighths([300, 300], "weights")];
    });
    const fn = (x: tf.Tensor, dy: tf.Tensor) => [relu6(x), tf.grad((x) => relu6(x))(x, dy)];
    const given = fn as (...inputs: tf.Tensor[]) => tf.Tensor[];
    alike(inPrecision("mixed_bfloat16", given, inputs), inPrecision("float32", given, inputs), 0);
    tf.dispose(inputs);
  });
});
