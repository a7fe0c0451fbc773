import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { DT } from "#lib/engine/native";
import {
  batchNormGradientNode,
  batchNormNode,
  hasBatchNormKernel,
} from "#lib/engine/tensorflow/batch-norm-op";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";
import { runKernel } from "./support";

const EPSILON = 1e-3;
const MOMENTUM = 0.1;
/** Of the numbers that are normalized, to which float32's rounding of sums is in proportion. */
const LARGEST = 8;

/** Channels that fill registers, that do not, and fewer pixels than a register has numbers. */
const SHAPES = [
  [1, 1, 1, 1],
  [2, 1, 1, 5],
  [1, 3, 5, 24],
  [3, 7, 9, 16],
  [2, 33, 31, 3],
  [4, 20, 21, 168],
  [2, 6, 6, 256],
  [3, 40, 41, 32],
];

/** Whole numbers, which bfloat16 has, around a level of each channel. */
function numbers(shape: readonly number[], salt: number, level = 0): tf.Tensor {
  return tf.tidy(() => {
    const around = tf.round(fixed(shape, [-LARGEST, LARGEST], salt));
    return tf.add(around, tf.mul(tf.round(fixed([shape[3]], [-4, 4], salt + 1)), level));
  });
}

/** What a batch norm and its gradients are, in double precision. */
class Reference {
  readonly mean: number[];
  readonly variance: number[];
  private readonly x: Float32Array;

  constructor(
    x: tf.Tensor,
    private readonly scale: Float32Array,
    private readonly offset: Float32Array,
    private readonly relu: boolean,
  ) {
    this.x = x.dataSync<"float32">();
    this.mean = this.average((i) => this.x[i]);
    this.variance = this.average((i) => (this.x[i] - this.mean[this.of(i)]) ** 2);
  }

  y(i: number): number {
    const y = this.off(i) * this.scale[this.of(i)] + this.offset[this.of(i)];
    return this.relu ? Math.max(0, y) : y;
  }

  /** Gradients by `x`, scale and offset. */
  gradients(dy: Float32Array): [number[], number[], number[]] {
    const passed = (i: number) => (this.relu && this.y(i) === 0 ? 0 : dy[i]);
    const level = this.average(passed);
    const along = this.average((i) => passed(i) * this.off(i));
    const dx = Array.from(dy, (_, i) => {
      const c = this.of(i);
      const factor = this.scale[c] / Math.sqrt(this.variance[c] + EPSILON);
      return factor * (passed(i) - level[c] - this.off(i) * along[c]);
    });
    const pixels = dy.length / this.scale.length;
    return [dx, along.map((value) => value * pixels), level.map((value) => value * pixels)];
  }

  private off(i: number): number {
    const c = this.of(i);
    return (this.x[i] - this.mean[c]) / Math.sqrt(this.variance[c] + EPSILON);
  }

  private of(i: number): number {
    return i % this.scale.length;
  }

  private average(value: (i: number) => number): number[] {
    const sums = Array.from(this.scale, () => 0);
    for (let i = 0; i < this.x.length; i++) sums[this.of(i)] += value(i);
    return sums.map((sum) => (sum * this.scale.length) / this.x.length);
  }
}

/** Scale, offset, running mean and variance. */
function channelsOf(channels: number) {
  return {
    scale: fixed([channels], [0.5, 2], 3),
    offset: fixed([channels], [-1, 1], 4),
    mean: fixed([channels], [-1, 1], 5),
    variance: fixed([channels], [0.5, 2], 6),
  };
}

function assertNear(got: tf.Tensor, expected: ArrayLike<number>, most: number, what: string): void {
  const largest = Array.from(expected).reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  for (const [i, value] of got.dataSync().entries()) {
    const off = Math.abs(value - expected[i]);
    assert.ok(off <= most * largest, `${what} ${i}: ${value} for ${expected[i]}`);
  }
}

describe("batch norm of our own", () => {
  withOwnKernel(hasBatchNormKernel);

  for (const [dtype, rounding] of [
    [DT.float32, 2e-6],
    [DT.bfloat16, 2 ** -8],
  ] as const) {
    const full = [
      "scale",
      "offset",
      "mean",
      "variance",
      ...(dtype === DT.float32 ? ["x", "dy"] : []),
    ];
    for (const relu of [false, true]) {
      for (const threads of [1, 3]) {
        const options = { epsilon: EPSILON, momentum: MOMENTUM, relu, threads };
        const name = `${dtype === DT.float32 ? "float32" : "bfloat16"}${relu ? ", with ReLU" : ""}, ${threads} threads`;

        it(`normalizes and moves statistics: ${name}`, () => {
          for (const [k, shape] of SHAPES.entries()) {
            tf.tidy(() => {
              const x = numbers(shape, k);
              const channels = channelsOf(shape[3]);
              const { scale, offset } = channels;
              const expected = new Reference(x, floats(scale), floats(offset), relu);
              const pixels = x.size / shape[3];
              const result = (index: number) =>
                runKernel(
                  { x, ...channels },
                  (of) =>
                    batchNormNode(
                      "kernel",
                      [of.x, of.scale, of.offset, of.mean, of.variance],
                      options,
                    ),
                  full,
                  index,
                );
              const moved = (running: tf.Tensor, now: readonly number[], share: number) =>
                now.map((value, c) => 0.9 * running.dataSync()[c] + MOMENTUM * value * share);
              assertNear(
                result(0),
                Array.from(floats(x), (_, i) => expected.y(i)),
                rounding,
                `${shape}: y`,
              );
              assertNear(
                result(1),
                moved(channels.mean, expected.mean, 1),
                1e-6 * LARGEST,
                `${shape}: moved mean`,
              );
              const unbiased = pixels / Math.max(1, pixels - 1);
              assertNear(
                result(2),
                moved(channels.variance, expected.variance, unbiased),
                1e-6 * LARGEST,
                `${shape}: moved variance`,
              );
              assertNear(result(3), expected.mean, 1e-6 * LARGEST, `${shape}: mean`);
              assertNear(result(4), expected.variance, 1e-6 * LARGEST, `${shape}: variance`);
            });
          }
        });

        it(`gives gradients: ${name}`, () => {
          for (const [k, shape] of SHAPES.entries()) {
            tf.tidy(() => {
              const [x, dy] = [numbers(shape, k), numbers(shape, k + 50)];
              const { scale, offset } = channelsOf(shape[3]);
              const expected = new Reference(x, floats(scale), floats(offset), relu);
              const given = {
                dy,
                x,
                scale,
                offset,
                mean: tf.tensor1d(expected.mean),
                variance: tf.tensor1d(expected.variance),
              };
              const gradients = expected.gradients(floats(dy));
              for (const [index, what] of ["x", "scale", "offset"].entries()) {
                const got = runKernel(
                  given,
                  (of) => batchNormGradientNode("kernel", Object.values(of), options),
                  full,
                  index,
                );
                assertNear(
                  got,
                  gradients[index],
                  index === 0 ? 2 * rounding : 1e-5,
                  `${shape}: by ${what}`,
                );
              }
            });
          }
        });
      }
    }
  }

  it("keeps what varies of numbers far from zero", () => {
    tf.tidy(() => {
      const x = numbers([4, 9, 9, 24], 7, 10_000);
      const ones = tf.ones([24]);
      const got = runKernel(
        { x, ones },
        (of) =>
          batchNormNode("kernel", [of.x, of.ones, of.ones, of.ones, of.ones], {
            epsilon: EPSILON,
            momentum: 1,
            relu: false,
            threads: 2,
          }),
        ["x", "ones"],
        4,
      );
      assertNear(
        got,
        new Reference(x, floats(ones), floats(ones), false).variance,
        1e-5,
        "variance",
      );
    });
  });

  it("keeps what is not a number to its channel", () => {
    tf.tidy(() => {
      const x = tf.tensor4d([1, NaN, 3, 4], [2, 1, 1, 2]);
      const ones = tf.ones([2]);
      const got = runKernel(
        { x, ones },
        (of) =>
          batchNormNode("kernel", [of.x, of.ones, of.ones, of.ones, of.ones], {
            epsilon: 0,
            momentum: 1,
            relu: true,
            threads: 1,
          }),
        ["ones"],
      );
      assert.deepEqual(Array.from(got.dataSync()), [0, NaN, 2, NaN]);
    });
  });
});

function floats(tensor: tf.Tensor): Float32Array {
  return tensor.dataSync<"float32">();
}
