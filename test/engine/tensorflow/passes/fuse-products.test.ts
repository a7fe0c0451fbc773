import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { DT } from "#lib/engine/native";
import { gelu, linear } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { worksFused } from "#lib/engine/tensorflow/fused-product";
import { hasLinearKernel, LINEAR } from "#lib/engine/tensorflow/linear-op";
import { fuseProducts } from "#lib/engine/tensorflow/passes/fuse-products";
import { mixedPrecision } from "#lib/engine/tensorflow/passes/mixed-precision";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { notOnGpu } from "../../support";
import { assertNearPlain, handlesOf } from "../support";

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
        assertNearPlain(compiled.call.predict, predict, x, 1e-5, when);
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

  it("is our own op in bfloat16 where the processor has tiles, residuals in float32 included", function () {
    if (!hasLinearKernel()) this.skip();
    tf.tidy(() => {
      const [wide, narrow] = [
        [64, 32, 1],
        [32, 64, 2],
      ].map(([out, from, salt]) => tf.variable(fixed([out, from], [-0.3, 0.3], salt)));
      const bias = tf.variable(fixed([32], [-1, 1], 3)) as tf.Variable<tf.Rank.R1>;
      const variables = [wide, narrow, bias];
      const predict = (x: tf.Tensor) => {
        const weights = [wide, narrow] as tf.Variable<tf.Rank.R2>[];
        const y = tf.add(x, linear(gelu(linear(x, weights[0])), weights[1], bias));
        // 16 numbers, which is no multiple of 32; a residual that is looked at by itself.
        const few = tf.slice(y, [0, 0, 0], [-1, -1, 16]);
        const last = linear(few, tf.slice(weights[0], [0, 0], [32, 16]) as tf.Tensor2D);
        return [y, last, tf.add(linear(y, weights[0]), 1)];
      };
      const x = fixed([4, 50, 32], [-1, 1], 6);
      const target = {
        precision: "mixed_bfloat16",
        portable: false,
        constantVariables: true,
      } as const;
      const ops = () => {
        const traced = traceFunction("predict", predict, [x], handlesOf(variables));
        const { nodes } = fuseProducts.run(mixedPrecision.run(traced, target), target);
        return nodes
          .filter(({ op }) => [LINEAR, "_MklNativeFusedMatMul"].includes(op))
          .map(({ op, outputs: [{ dtype }] }) => [op === LINEAR, dtype]);
      };
      assert.deepEqual(ops(), [
        [true, DT.bfloat16],
        [true, DT.float32],
        [false, DT.bfloat16],
        [true, DT.bfloat16],
      ]);
      process.env.TUNING_FORK_PROCESSOR = "avx512_bf16";
      try {
        assert.ok(ops().every(([own]) => own === false));
      } finally {
        delete process.env.TUNING_FORK_PROCESSOR;
      }
      const compiled = compile(
        { predict },
        { variables, precision: "mixed_bfloat16", constantVariables: true },
      );
      for (const [i, got] of compiled.call.predict(x).entries()) {
        const expected = predict(x)[i];
        const error = tf.max(tf.abs(tf.sub(got, expected))).dataSync()[0];
        assert.ok(error < 0.03, `result ${i} is off by ${error}`);
      }
      compiled.dispose();
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
