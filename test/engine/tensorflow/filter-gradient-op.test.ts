import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import {
  filterGradientNode,
  hasFilterGradientKernel,
} from "#lib/engine/tensorflow/filter-gradient-op";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";
import { runKernel } from "./support";

/** A convolution, and how its gradient is asked for. */
interface Case {
  readonly image: readonly [batch: number, height: number, width: number, channels: number];
  readonly filter: readonly [number, number];
  readonly out: number;
  readonly stride?: number;
  /** Zeros above, below, to the left and to the right. */
  readonly padding?: readonly [number, number, number, number];
  readonly threads?: number;
}

/** Small whole numbers, which bfloat16 has, and whose sums float32 has. */
const whole = (shape: readonly number[], salt: number) =>
  tf.round(fixed([...shape], [-8, 8], salt));

function operandsOf({ image, filter, out, stride = 1, padding = [0, 0, 0, 0] }: Case) {
  const [top, bottom, left, right] = padding;
  const rows = Math.floor((image[1] + top + bottom - filter[0]) / stride) + 1;
  const columns = Math.floor((image[2] + left + right - filter[1]) / stride) + 1;
  return { x: whole(image, 1), dy: whole([image[0], rows, columns, out], 2) };
}

/** What the kernel gives. */
function run(given: Case, operands: { x: tf.Tensor; dy: tf.Tensor }): tf.Tensor {
  const { filter, stride = 1, padding = [0, 0, 0, 0], threads = 1 } = given;
  const margin = [padding[0], padding[2]] as const;
  return runKernel(operands, ({ x, dy }) =>
    filterGradientNode("kernel", { x, dy, filter, stride, margin }, threads),
  );
}

function check(given: Case): void {
  tf.tidy(() => {
    const { image, filter, out, stride = 1, padding = [0, 0, 0, 0] } = given;
    const operands = operandsOf(given);
    const [top, bottom, left, right] = padding;
    const sides: [number, number][] = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ];
    const padded = tf.pad(operands.x, sides) as tf.Tensor4D;
    const gradient = tf.grad((w) => tf.conv2d(padded, w as tf.Tensor4D, stride, "valid"));
    const expected = gradient(tf.zeros([...filter, image[3], out]), operands.dy);
    const got = run(given, operands);
    assert.deepEqual(got.shape, expected.shape);
    const off = tf.max(tf.abs(tf.sub(got, expected))).dataSync()[0];
    assert.equal(off, 0, `${JSON.stringify(given)}: off by ${off}`);
  });
}

describe("a filter's gradient of our own", () => {
  withOwnKernel(hasFilterGradientKernel);

  it("is the gradient, whatever filter, stride and margins, and however few pixels fill a tile", () => {
    check({ image: [1, 1, 1, 32], filter: [1, 1], out: 32 });
    check({ image: [3, 5, 7, 64], filter: [1, 1], out: 32 });
    check({ image: [3, 9, 7, 32], filter: [3, 3], out: 64, padding: [1, 1, 1, 1] });
    check({ image: [2, 9, 8, 32], filter: [3, 3], out: 32 });
    check({ image: [2, 9, 8, 32], filter: [3, 2], out: 32, stride: 2, padding: [1, 1, 0, 1] });
    check({ image: [2, 8, 9, 32], filter: [2, 5], out: 32, stride: 3, padding: [0, 1, 2, 2] });
    check({ image: [1, 11, 12, 32], filter: [7, 7], out: 32, stride: 2, padding: [3, 3, 3, 3] });
    check({ image: [2, 4, 4, 32], filter: [1, 1], out: 32, stride: 2 });
    // A filter that is larger than the image and sees most of it nowhere.
    check({ image: [1, 2, 2, 32], filter: [5, 5], out: 32, padding: [4, 4, 4, 4] });
  });

  it("is the gradient of more pixels than are taken together, and of more channels", () => {
    check({ image: [2, 75, 60, 32], filter: [3, 3], out: 64, padding: [1, 1, 1, 1] });
    check({ image: [3, 11, 11, 96], filter: [3, 3], out: 1056, padding: [1, 1, 1, 1] });
  });

  for (const threads of [2, 3, 64]) {
    it(`is the gradient by ${threads} threads, also where these are more than there is to do`, () => {
      check({ image: [1, 3, 3, 32], filter: [1, 1], out: 32, threads });
      check({ image: [2, 45, 50, 32], filter: [3, 3], out: 32, padding: [1, 1, 1, 1], threads });
      // So many weights that threads share these, and not the pixels.
      check({ image: [2, 9, 9, 256], filter: [3, 3], out: 256, padding: [1, 1, 1, 1], threads });
      check({ image: [1, 3, 3, 32], filter: [1, 1], out: 16_416, threads });
    });
  }

  it("keeps what is not a number, where a filter saw it", () => {
    tf.tidy(() => {
      const given: Case = { image: [1, 2, 1, 32], filter: [2, 1], out: 32, padding: [0, 1, 0, 0] };
      const { dy } = operandsOf(given);
      const x = tf.tensor4d([...Array(32).fill(1), NaN, ...Array(31).fill(1)], [1, 2, 1, 32]);
      const [first, second] = tf.unstack(run(given, { x, dy }));
      const channels = (place: tf.Tensor) =>
        Array.from(tf.any(tf.isNaN(tf.reshape(place, [32, 32])), 1).dataSync()).indexOf(1);
      // The first place saw it with the second pixel, the second one with the first.
      assert.deepEqual([channels(first), channels(second)], [0, 0]);
      const rest = tf.slice(tf.reshape(first, [32, 32]), [1, 0], [31, 32]);
      assert.ok(!tf.any(tf.isNaN(rest)).dataSync()[0], "other channels");
    });
  });
});
