import assert from "node:assert/strict";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import { startEngine } from "#lib/engine/start";
import { registerWasmKernels, wasmKernels } from "#lib/engine/wasm/registry";

type Convolve = (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor;

/** A convolution of an image of this shape with a filter of that one, and its two gradients. */
const convolution = (
  image: readonly [number, number, number, number],
  filter: readonly [number, number, number, number],
  convolve: Convolve,
) => ({
  shapes: [image, filter] as readonly (readonly number[])[],
  run(inputs: readonly tf.Tensor[]) {
    const { value, grads } = tf.valueAndGrads((x, w) =>
      tf.sum(tf.square(convolve(x as tf.Tensor4D, w as tf.Tensor4D))),
    )([...inputs]);
    return [value, ...grads];
  },
});

/** A sum by numbers of rows. */
const segments = (x: readonly number[], ids: number[], count: number) => ({
  shapes: [x],
  run: ([values]: readonly tf.Tensor[]) => [
    tf.unsortedSegmentSum(values, tf.tensor1d(ids, "int32"), count),
  ],
});

const examples: Record<string, ReturnType<typeof convolution | typeof segments>[]> = {
  conv2d: [
    convolution([2, 6, 7, 3], [3, 3, 3, 4], (x, w) => tf.conv2d(x, w, 1, "same")),
    convolution([2, 9, 8, 2], [3, 2, 2, 3], (x, w) => tf.conv2d(x, w, [2, 3], "valid")),
    convolution([2, 8, 9, 2], [5, 5, 2, 3], (x, w) => tf.conv2d(x, w, 2, "same")),
    convolution([1, 8, 8, 2], [1, 1, 2, 3], (x, w) => tf.conv2d(x, w, 3, "valid")),
    // Paddings wider than the filter: some results see nothing but zeros.
    convolution([1, 5, 5, 2], [2, 2, 2, 3], (x, w) =>
      tf.conv2d(x, w, 1, [
        [0, 0],
        [3, 1],
        [0, 4],
        [0, 0],
      ]),
    ),
  ],
  "depthwise conv2d": [
    convolution([2, 6, 7, 3], [3, 3, 3, 1], (x, w) => tf.depthwiseConv2d(x, w, 1, "same")),
    convolution([2, 9, 8, 3], [3, 3, 3, 2], (x, w) => tf.depthwiseConv2d(x, w, 2, "valid")),
    convolution([2, 9, 8, 2], [7, 7, 2, 1], (x, w) => tf.depthwiseConv2d(x, w, 2, "same")),
  ],
  "matrix product": [
    // Pair by pair from a million multiplications on, and below that together.
    ...[110, 20].map((depth) => ({
      shapes: [
        [2, 2, 100, depth],
        [2, 2, depth, 100],
      ],
      run: ([a, b]: readonly tf.Tensor[]) => [tf.matMul(a, b)],
    })),
    // One matrix for all of a batch.
    {
      shapes: [
        [3, 90, 110],
        [1, 110, 120],
      ],
      run: ([a, b]: readonly tf.Tensor[]) => [tf.matMul(a, b)],
    },
    ...[
      [true, false],
      [false, true],
      [true, true],
    ].map(([first, second]) => ({
      shapes: [first ? [2, 3, 4] : [2, 4, 3], second ? [2, 5, 3] : [2, 3, 5]],
      run: ([a, b]: readonly tf.Tensor[]) => {
        const { value, grads } = tf.valueAndGrads((x, y) =>
          tf.sum(tf.square(tf.matMul(x, y, first, second))),
        )([a, b]);
        return [value, ...grads];
      },
    })),
    {
      shapes: [
        [3, 4],
        [3, 5],
      ],
      run: ([a, b]: readonly tf.Tensor[]) => [tf.matMul(a, b, true)],
    },
  ],
  "unsorted segment sum": [
    segments([5, 2, 3], [0, 2, -1, 2, 0], 4),
    segments([4], [3, 3, 0, 1], 4),
  ],
};

describe("kernels of the WASM backend", () => {
  before(async () => {
    await startEngine();
    registerWasmKernels();
  });
  afterEach(() => tf.setBackend("tensorflow"));

  const seen = new Set<string>();
  for (const [name, list] of Object.entries(examples)) {
    for (const [i, { shapes, run }] of list.entries()) {
      it(`${name} ${i + 1}: plain JavaScript's values and gradients`, async () => {
        const compute = () =>
          tf.tidy(() => {
            const inputs = shapes.map((shape, j) =>
              tf.randomUniform([...shape], -1, 1, "float32", 7 + j),
            );
            return run(inputs).map((x) => ({ shape: x.shape, values: [...x.dataSync()] }));
          });
        await tf.setBackend("cpu");
        const expected = compute();
        await tf.setBackend("wasm");
        const { numTensors } = tf.memory();
        const got = compute();
        assert.equal(tf.memory().numTensors, numTensors, "tensors left over");
        got.forEach(({ shape, values }, j) => {
          assert.deepEqual(shape, expected[j].shape);
          const off = Math.max(...values.map((v, k) => Math.abs(v - expected[j].values[k])));
          assert.ok(off < 1e-4, `result ${j} is off by ${off}`);
        });
        const { kernelNames } = await tf.profile(() => {
          compute();
        });
        for (const kernel of kernelNames) seen.add(kernel);
      });
    }
  }

  it("keep a weight's transpose until the weight changes", async () => {
    await tf.setBackend("wasm");
    const { numTensors, numBytes } = tf.memory();
    const weight = tf.tidy(() => tf.variable(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2])));
    const product = () =>
      tf.tidy(() => [...tf.matMul(tf.tensor2d([[1, 10]]), weight, false, true).dataSync()]);
    assert.deepEqual(product(), [21, 43, 65]);
    const { numTensors: once } = tf.memory();
    assert.deepEqual(product(), [21, 43, 65]);
    assert.equal(tf.memory().numTensors, once);
    const other = tf.tensor2d([6, 5, 4, 3, 2, 1], [3, 2]);
    weight.assign(other);
    other.dispose();
    assert.deepEqual(product(), [56, 34, 12]);
    assert.equal(tf.memory().numTensors, once);
    weight.dispose();
    assert.equal(tf.memory().numTensors, numTensors);
    assert.equal(tf.memory().numBytes, numBytes);
  });

  it("are all tried here", () => {
    const untried = wasmKernels.map(({ name }) => name).filter((name) => !seen.has(name));
    assert.deepEqual(untried, []);
  });
});
