import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import * as ops from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";

interface Packed {
  shape: number[];
  values: number[];
}
interface Fixture {
  soft: Packed;
  weights: Packed;
  runningMean: Packed;
  runningVariance: Packed;
  cases: Record<
    string,
    { inputs: Packed[]; upstream: Packed; results: Packed[]; gradients: Packed[] }
  >;
}

/** Heads side by side, [batch, queries, heads × d] → PyTorch's [batch, heads, queries, d]. */
function apart(joined: tf.Tensor, [batch, heads, queries, d]: number[]): tf.Tensor {
  return tf.transpose(tf.reshape(joined, [batch, queries, heads, d]), [0, 2, 1, 3]);
}

const fixture: Fixture = JSON.parse(readFileSync("test/fixtures/engine/ops.json", "utf8"));
const unpack = <T extends tf.Tensor>({ values, shape }: Packed) => tf.tensor(values, shape) as T;

type Fn = (...inputs: tf.Tensor[]) => tf.Tensor;
const as4 = (x: tf.Tensor) => x as tf.Tensor4D;
const crossEntropy =
  (options: () => ops.CrossEntropyOptions): Fn =>
  (x) =>
    ops.softmaxCrossEntropy(x as tf.Tensor2D, unpack<tf.Tensor2D>(fixture.soft), options());

const functions: Record<string, (running: tf.Variable[]) => Fn> = {
  "gelu exact": () => (x) => ops.gelu(x),
  "gelu tanh": () => (x) => ops.gelu(x, "tanh"),
  layerNorm: () => (x, g, b) => ops.layerNorm(x, g, b, 1e-6),
  "batchNorm training": batchNorm(true),
  "batchNorm frozen": batchNorm(false),
  linear: () => (x, w, b) => ops.linear(x, w as tf.Tensor2D, b as tf.Tensor1D),
  "conv2d stride 2": () => (x, w) => ops.conv2d(as4(x), as4(w), 2, 1),
  "conv2d 2 groups": () => (x, w) => ops.conv2d(as4(x), as4(w), 1, 1),
  depthwiseConv2d: () => (x, w) => ops.depthwiseConv2d(as4(x), as4(w), 2, 1),
  attention: () => (q, k, v) => apart(ops.attention(as4(q), as4(k), as4(v), 0.5), q.shape),
  "cross-entropy, smoothed": () => crossEntropy(() => ({ labelSmoothing: 0.1 })),
  "cross-entropy, weighted": () =>
    crossEntropy(() => ({ weights: unpack<tf.Tensor1D>(fixture.weights) })),
  lgamma: () => (x) => ops.lgamma(tf.add(tf.abs(x), 0.05)),
  digamma: () => (x) => ops.digamma(tf.add(tf.abs(x), 0.2)),
  roll: () => (x) => ops.roll(x, [-1, 7], [0, 2]),
};

function batchNorm(training: boolean) {
  return ([mean, variance]: tf.Variable[]): Fn =>
    (x, g, b) =>
      ops.batchNorm(as4(x), g, b, mean, variance, { training, momentum: 0.1, epsilon: 1e-5 });
}

function close(got: tf.Tensor, expected: Packed, what: string) {
  assert.deepEqual(got.shape, expected.shape, what);
  got.dataSync().forEach((value, i) => {
    const want = expected.values[i];
    const error = Math.abs(value - want) / Math.max(1, Math.abs(want));
    assert.ok(error < 2e-5, `${what}, element ${i}: ${value} for ${want}`);
  });
}

/** Each way of running must give PyTorch's numbers: traced, op by op, and without TensorFlow. */
const ways = ["compiled", "eager", "plain tfjs"] as const;

describe("ops against PyTorch", () => {
  before(() => startEngine());

  for (const [name, test] of Object.entries(fixture.cases)) {
    for (const way of ways) {
      it(`${name}, ${way}`, async () => {
        if (way === "plain tfjs") await tf.setBackend("cpu");
        try {
          check(name, test, way);
        } finally {
          await tf.setBackend("tensorflow");
        }
      });
    }
  }
});

function check(name: string, test: Fixture["cases"][string], way: (typeof ways)[number]) {
  tf.tidy(() => {
    const running = [fixture.runningMean, fixture.runningVariance].map((x) =>
      tf.variable(unpack(x), false),
    );
    const fn = functions[name](running);
    const both: (...all: tf.Tensor[]) => tf.Tensor[] = (upstream, ...inputs) => {
      const { value, grads } = tf.valueAndGrads(fn)(inputs, upstream);
      return [value, ...grads];
    };
    const compiled = compile({ both }, { variables: running });
    const run = way === "compiled" ? compiled.call.both : both;
    const [value, ...gradients] = run(unpack(test.upstream), ...test.inputs.map((x) => unpack(x)));
    compiled.pull();
    compiled.dispose();
    [value, ...running].slice(0, test.results.length).forEach((got, i) => {
      close(got, test.results[i], `result ${i}`);
    });
    gradients.forEach((got, i) => {
      close(got, test.gradients[i], `gradient ${i}`);
    });
    tf.dispose(running);
  });
}
