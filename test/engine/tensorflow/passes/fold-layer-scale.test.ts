import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { linear } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { foldLayerScale } from "#lib/engine/tensorflow/passes/fold-layer-scale";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { assertNearPlain, handlesOf } from "../support";

const WIDTH = 16;

/** Layers with a factor of each channel: what is folded, and what only looks like it. */
function makeNet() {
  const weight = tf.variable(fixed([WIDTH, WIDTH], [-1, 1], 1)) as tf.Variable<tf.Rank.R2>;
  const bias = tf.variable(fixed([WIDTH], [-1, 1], 2)) as tf.Variable<tf.Rank.R1>;
  const gamma = tf.variable(fixed([WIDTH], [0.5, 2], 3)) as tf.Variable<tf.Rank.R1>;
  const variables = [weight, bias, gamma];
  const predict = (x: tf.Tensor) => {
    const block = tf.add(x, tf.mul(linear(x, weight, bias), gamma));
    const flat = tf.mul(gamma, linear(tf.reshape(block, [-1, WIDTH]), weight));
    const folded = [block, flat];
    const seen = linear(block, weight, bias);
    // By a number and by each row's own; what is read twice; what the input decides; another dimension's channels.
    const others = [
      tf.mul(linear(block, weight), 2),
      tf.mul(linear(block, weight), tf.reshape(gamma, [1, WIDTH, 1])),
      tf.mul(seen, gamma),
      seen,
      tf.mul(linear(block, weight), tf.mean(x, [0, 1])),
      tf.mul(
        tf.reshape(linear(block, weight), [-1, WIDTH, WIDTH, 1]),
        tf.reshape(gamma, [1, 1, WIDTH, 1]),
      ),
    ];
    return [...folded, ...others];
  };
  return { variables, weight, bias, gamma, predict };
}

describe("foldLayerScale", () => {
  before(() => startEngine());

  for (const [precision, most] of [
    ["float32", 1e-5],
    ["mixed_bfloat16", 0.03],
  ] as const) {
    for (const constantVariables of [true, false]) {
      it(`predicts the same, of weights that change: ${precision}, ${constantVariables ? "kept" : "read"}`, () => {
        const { numTensors } = tf.memory();
        tf.tidy(() => {
          const { variables, weight, bias, gamma, predict } = makeNet();
          const compiled = compile({ predict }, { variables, precision, constantVariables });
          const check = (when: string, images: number) => {
            const x = fixed([images, WIDTH, WIDTH], [-1, 1], 4);
            assertNearPlain(compiled.call.predict, predict, x, most, when);
          };
          // From 2,048 rows on weights are transposed beforehand.
          check("many", 130);
          check("few", 3);
          gamma.assign(tf.mul(gamma, -3));
          check("another factor", 3);
          weight.assign(tf.mul(weight, 2));
          check("another weight", 130);
          bias.assign(tf.add(bias, 1));
          check("another bias", 3);
          compiled.dispose();
          tf.dispose(variables);
        });
        assert.equal(tf.memory().numTensors, numTensors);
      });
    }
  }

  it("folds a factor of each channel and no other, and none for other machines or where variables change", () => {
    tf.tidy(() => {
      const { variables, gamma, predict } = makeNet();
      const handles = handlesOf(variables);
      const x = fixed([3, WIDTH, WIDTH]);
      const products = (fn: (x: tf.Tensor) => tf.Tensor | tf.Tensor[], portable = false) => {
        const traced = traceFunction("f", fn as never, [x], handles);
        const { nodes } = foldLayerScale.run(traced, { precision: "float32", portable });
        const there = new Set([...nodes, ...handles.values()]);
        for (const node of nodes)
          for (const { node: source } of node.inputs) assert.ok(there.has(source), source.name);
        const scaled = nodes.filter(({ op, name }) => op === "MatMul" && name.endsWith("_scaled"));
        return [scaled.length, nodes.filter(({ op }) => op === "MatMul").length];
      };
      assert.deepEqual(products(predict, true), [0, 7]);
      assert.deepEqual(products(predict), [2, 7]);
      const learn = (given: tf.Tensor) => {
        const [block] = predict(given);
        gamma.assign(tf.mean(block, [0, 1]));
        return block;
      };
      assert.deepEqual(products(learn), [0, 7]);
      tf.dispose(variables);
    });
  });
});
