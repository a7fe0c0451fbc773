import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import {
  hasWinogradKernel,
  winogradGradientNode,
  winogradNode,
} from "#lib/engine/tensorflow/winograd-op";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";
import { runKernel } from "./support";

/** Images, height, width, channels in and out of each group, groups. */
type Sizes = readonly [number, number, number, number, number, number];

const SIZES: readonly Sizes[] = [
  [1, 1, 1, 1, 1, 1],
  [2, 2, 3, 16, 32, 1],
  [1, 7, 7, 33, 40, 1],
  [3, 5, 8, 48, 31, 1],
  [2, 13, 9, 20, 70, 1],
  [5, 12, 12, 64, 16, 1],
  [2, 6, 7, 40, 24, 3],
];

/** Multiply each pixel by each place of the filter that sees it, in double precision. */
function forEachProduct(
  [images, height, width, from, to, groups]: Sizes,
  add: (x: number, w: number, y: number) => void,
): void {
  for (let n = 0; n < images; n++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let place = 0; place < 9; place++) {
          const [row, column] = [y + Math.floor(place / 3) - 1, x + (place % 3) - 1];
          if (row < 0 || column < 0 || row >= height || column >= width) continue;
          const [source, target] = [
            ((n * height + row) * width + column) * from * groups,
            ((n * height + y) * width + x) * to * groups,
          ];
          for (let c = 0; c < from; c++)
            for (let o = 0; o < to * groups; o++)
              add(
                source + Math.floor(o / to) * from + c,
                (place * from + c) * to * groups + o,
                target + o,
              );
        }
}

function assertNear(got: tf.Tensor, expected: Float64Array, what: string): void {
  const most = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  const values = got.dataSync();
  assert.equal(values.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(values[i] - value) < 2e-6 * most, `${what}: ${values[i]} for ${value}`);
  });
}

function tensorsOf([images, height, width, from, to, groups]: Sizes) {
  return {
    image: fixed([images, height, width, from * groups], [-2, 2], 1),
    filter: fixed([3, 3, from, to * groups], [-1, 1], 2),
    bias: fixed([to * groups], [-1, 1], 3),
    residual: fixed([images, height, width, to * groups], [-3, 3], 4),
  };
}

type Given = Readonly<Record<string, tf.Tensor>>;

interface Form {
  readonly groups: number;
  readonly threads?: number;
  readonly keeps?: boolean;
  readonly relu?: boolean;
}

/** The convolution of an image, or its gradient where there is a `dy`. */
function convolved(
  given: Given,
  { groups, threads = 2, keeps = false, relu = false }: Form,
): tf.Tensor {
  return runKernel(
    given,
    ({ image, dy, filter, ...more }) => {
      const gradient = dy !== undefined;
      const form = { image: dy ?? image, filter, groups, added: Object.values(more), relu };
      return winogradNode("kernel", { ...form, keeps, gradient }, threads);
    },
    Object.keys(given),
  );
}

function gradientByFilter(given: Given, { groups, threads = 2 }: Form): tf.Tensor {
  return runKernel(
    given,
    ({ image, dy }) => winogradGradientNode("kernel", { image, dy, groups }, threads),
    Object.keys(given),
  );
}

describe("convolutions that multiply less", () => {
  withOwnKernel(hasWinogradKernel);

  it("are the convolution, with bias, residual and ReLU, of any size", () => {
    for (const sizes of SIZES)
      tf.tidy(() => {
        const groups = sizes[5];
        const { image, filter, bias, residual } = tensorsOf(sizes);
        const [x, w, b, r] = [image, filter, bias, residual].map((tensor) => tensor.dataSync());
        const plain = new Float64Array(residual.size);
        forEachProduct(sizes, (i, j, k) => {
          plain[k] += x[i] * w[j];
        });
        assertNear(convolved({ image, filter }, { groups }), plain, `${sizes}`);
        const biased = plain.map((value, i) => value + b[i % b.length]);
        assertNear(
          convolved({ image, filter, bias }, { groups, keeps: true }),
          biased,
          `${sizes}, bias`,
        );
        const whole = biased.map((value, i) => Math.max(0, value + r[i]));
        const all = { image, filter, bias, residual };
        assertNear(
          convolved(all, { groups, keeps: true, relu: true }),
          whole,
          `${sizes} with everything`,
        );
      });
  });

  it("have gradients by the image and by the filter, of any size", () => {
    for (const sizes of SIZES)
      tf.tidy(() => {
        const groups = sizes[5];
        const { image, filter, residual: dy } = tensorsOf(sizes);
        const [x, w, d] = [image, filter, dy].map((tensor) => tensor.dataSync());
        const [byImage, byFilter] = [new Float64Array(image.size), new Float64Array(filter.size)];
        forEachProduct(sizes, (i, j, k) => {
          byImage[i] += w[j] * d[k];
          byFilter[j] += x[i] * d[k];
        });
        for (const threads of [1, 3]) {
          assertNear(
            convolved({ filter, dy }, { groups, threads }),
            byImage,
            `${sizes} by the image`,
          );
          assertNear(
            gradientByFilter({ image, dy }, { groups, threads }),
            byFilter,
            `${sizes} by the filter`,
          );
        }
      });
  });

  it("give the same to the bit by any number of cores", () => {
    tf.tidy(() => {
      const { image, filter, residual: dy } = tensorsOf([4, 21, 18, 48, 96, 2]);
      const results = [1, 2, 7, 64].map((threads) =>
        [
          convolved({ image, filter }, { groups: 2, threads }),
          convolved({ filter, dy }, { groups: 2, threads }),
          gradientByFilter({ image, dy }, { groups: 2, threads }),
        ].map((tensor) => tensor.dataSync()),
      );
      for (const other of results) assert.deepEqual(other, results[0]);
    });
  });

  it("spoil no more than the neighborhood of what is not a number, and not another image", () => {
    tf.tidy(() => {
      const { image, filter } = tensorsOf([2, 9, 9, 16, 32, 1]);
      const values = image.dataSync().slice();
      values[(4 * 9 + 4) * 16 + 3] = NaN;
      const spoilt = tf.tensor(values, image.shape);
      const got = convolved({ image: spoilt, filter }, { groups: 1 }).dataSync();
      for (let pixel = 0; pixel < 2 * 81; pixel++) {
        const [row, column] = [Math.floor(pixel / 9), pixel % 9];
        const seen = Math.abs(row - 4) <= 1 && Math.abs(column - 4) <= 1;
        const near = Math.abs(row - 4) <= 2 && Math.abs(column - 4) <= 2;
        for (let c = 0; c < 32; c++) {
          const none = Number.isNaN(got[pixel * 32 + c]);
          if (seen) assert.ok(none, `${row}, ${column} sees it`);
          if (!near) assert.ok(!none, `${row}, ${column} does not see it`);
        }
      }
    });
  });

  it("say so where an operand is not what the graph says", () => {
    tf.tidy(() => {
      const { image, filter } = tensorsOf([1, 4, 4, 16, 16, 1]);
      const wrong = fixed([3, 3, 16, 8]);
      const given = { image, filter, wrong };
      const run = () =>
        runKernel(
          given,
          (of) => {
            const operands = { image: of.image, filter: of.filter, groups: 1 };
            const form = { ...operands, keeps: false, gradient: false };
            return { ...winogradNode("kernel", form, 1), inputs: [of.image, of.wrong] };
          },
          Object.keys(given),
        );
      assert.throws(run, /TuningForkWinograd: an operand has another size/);
    });
  });
});
