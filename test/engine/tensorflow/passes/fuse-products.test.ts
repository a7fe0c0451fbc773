import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { DT } from "#lib/engine/native";
import { gelu, linear } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { worksFused } from "#lib/engine/tensorflow/fused-product";
import { fuseProducts } from "#lib/engine/tensorflow/passes/fuse-products";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { notOnGpu } from "../../support";
import { handlesOf } from "../support";

const WIDTH = 16;
const HIDDEN = 64;

/** A block of a transformer, without attention: what is fused, and what only looks like it. */
function makeNet() {
  const weight = (out: number, features: number, salt: number) =>
    tf.variable(tf.mul(fixed([out, features], [-1, 1], salt), 0.3)) as tf.Variable<tf.Rank.R2>;
  const bias = (out: number, salt: number) =>
    tf.variable(fixed([out], [-1, 1], salt)) as tf.Variable<tf.Rank.R1>;
  const [w1, w2, w3] = [
    weight(HIDDEN, WIDTH, 1),
    weight(WIDTH, HIDDEN, 2),
    weight(WIDTH, WIDTH, 3),
  ];
  const [b1, b2] = [bias(HIDDEN, 4), bias(WIDTH, 5)];
  const variables = [w1, w2, w3, b1, b2];
  const predict = (x: tf.Tensor) => {
    const hidden = gelu(linear(x, w1, b1));
    const y = tf.add(x, linear(hidden, w2, b2));
    // A sum of two products; a sum that is not of the product alone; a product that is looked at, too.
    const twice = tf.add(linear(y, w3), linear(y, w3, b2));
    const spread = tf.add(linear(y, w3), tf.slice(y, [0, 0, 0], [1, 1, WIDTH]));
    const seen = linear(y, w3, b2);
    return [y, twice, spread, seen, tf.add(seen, y), tf.square(tf.add(y, seen))];
  };
  return { variables, w1, b2, predict };
}

describe("fused products", () => {
  before(async function () {
    await startEngine();
    notOnGpu.call(this);
  });

  it("gives what the plain graph gives, of weights that change, and leaves no tensor", () => {
    const { numTensors } = tf.memory();
    tf.tidy(() => {
      const { variables, w1, b2, predict } = makeNet();
      const compiled = compile({ predict }, { variables, constantVariables: true });
      const check = (when: string, tokens: number) => {
        const x = fixed([4, tokens, WIDTH], [-1, 1], 6);
        const got = compiled.call.predict(x);
        for (const [i, expected] of predict(x).entries()) {
          const largest = tf.max(tf.abs(expected)).dataSync()[0];
          const error = tf.max(tf.abs(tf.sub(got[i], expected))).dataSync()[0];
          assert.ok(error <= 1e-5 * largest, `${when}, result ${i}: off by ${error} of ${largest}`);
        }
      };
      // With as many tokens GELU is one kernel, and weights are transposed beforehand.
      check("many tokens", 600);
      check("few tokens", 5);
      w1.assign(tf.mul(w1, -2));
      check("another weight", 600);
      b2.assign(tf.add(b2, 1));
      check("another bias", 5);
      compiled.dispose();
      tf.dispose(variables);
    });
    assert.equal(tf.memory().numTensors, numTensors);
  });

  it("takes bias, GELU and the residual of the same shape along, where kernels may keep the weights", () => {
    tf.tidy(() => {
      const { variables, predict } = makeNet();
      const handles = handlesOf(variables);
      const traced = traceFunction("predict", predict, [fixed([4, 300, WIDTH])], handles);
      const target = { precision: "float32", portable: false, constantVariables: true } as const;
      const fused = (given: Partial<Parameters<typeof fuseProducts.run>[1]> = {}) =>
        fuseProducts
          .run(traced, { ...target, ...given })
          .nodes.flatMap(({ op, attributes }) =>
            op === "_MklNativeFusedMatMul"
              ? [attributes.find(({ name }) => name === "fused_ops")?.value]
              : [],
          );
      assert.deepEqual(fused(), [
        ["BiasAdd", "GeluExact"],
        ["BiasAdd", "Add"],
        ["BiasAdd", "Add"],
        ["BiasAdd"],
        ["BiasAdd"],
      ]);
      assert.deepEqual(fused({ portable: true }), []);
      assert.deepEqual(fused({ constantVariables: false }), []);
      tf.dispose(variables);
    });
  });

  it("is taken only where oneDNN has such a kernel", () => {
    assert.ok(worksFused(DT.float32));
    assert.ok(!worksFused(DT.int32), "of integers there is none");
  });

  it("refuses a function that changes what is to stay", () => {
    const v = tf.variable(tf.ones([2]));
    const step = () => {
      v.assign(tf.add(v, 1));
      return tf.clone(v);
    };
    const compiled = compile({ step }, { variables: [v], constantVariables: true });
    assert.throws(
      () => compiled.call.step(),
      /changes a variable.*\n.*without `constantVariables`/,
    );
    compiled.dispose();
    v.dispose();
  });
});
