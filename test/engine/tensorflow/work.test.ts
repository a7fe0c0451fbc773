import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { DT } from "#lib/engine/native";
import { linear } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { attentionNode, plainView } from "#lib/engine/tensorflow/attention-op";
import { FUSED_CONVOLUTION } from "#lib/engine/tensorflow/fused-convolution";
import { type GraphNode, makeNode } from "#lib/engine/tensorflow/graph";
import { linearNode } from "#lib/engine/tensorflow/linear-op";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { type Level, processorOf } from "#lib/engine/tensorflow/processor";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { isSmallWork } from "#lib/engine/tensorflow/work";
import { fixed } from "../cases";
import { notOnGpu } from "../support";

const machine = (level: Level, cores = 2) => ({ ...processorOf(new Set(), level), cores });

describe("small work", () => {
  before(() => startEngine());

  /** Products of so many rows by 256 × 256, traced for a processor. */
  function work(
    rows: number,
    level: Level,
    {
      low = false,
      cores = 2,
      learns = false,
      fn = tf.matMul as (x: tf.Tensor, w: tf.Tensor) => tf.Tensor,
    } = {},
  ): boolean {
    return tf.tidy(() => {
      const seen = tf.variable(tf.scalar(0));
      const handle = makeNode("v", "VarHandleOp", { outputs: [{ shape: [], dtype: DT.float32 }] });
      const step = (x: tf.Tensor, w: tf.Tensor) => {
        if (learns) seen.assign(tf.mean(x) as tf.Scalar);
        return fn(x, w);
      };
      const inputs = [fixed([rows, 256]), fixed([256, 256])];
      const traced = traceFunction("f", step as never, inputs, new Map([[seen, handle]]));
      const precision = low ? "mixed_bfloat16" : "float32";
      seen.dispose();
      return isSmallWork(
        applyPasses(traced, { precision, portable: false }),
        machine(level, cores),
      );
    });
  }

  it("is what one core does sooner than several wake up: by size, format, processor and cores", () => {
    // 2 · 100 · 256² operations: 13 million.
    assert.equal(work(100, "avx2"), true);
    assert.equal(work(400, "avx2"), false);
    assert.equal(work(200, "avx2"), false);
    assert.equal(work(200, "avx512"), true);
    assert.equal(work(200, "avx512", { cores: 16 }), false);
    assert.equal(work(1000, "amx_bf16"), false);
    assert.equal(work(1000, "amx_bf16", { low: true }), true);
    assert.equal(work(1000, "avx512_bf16", { low: true }), false);
    assert.equal(work(1000, "amx_bf16", { low: true, cores: 16 }), false);
  });

  it("counts convolutions and products of many matrices; without a product it says nothing", () => {
    const convolution = (x: tf.Tensor, w: tf.Tensor) =>
      tf.conv2d(
        tf.reshape(x, [1, 10, -1, 256]) as tf.Tensor4D,
        tf.reshape(w, [1, 1, 256, 256]) as tf.Tensor4D,
        1,
        "same",
      );
    assert.equal(work(100, "avx2", { fn: convolution }), true);
    assert.equal(work(400, "avx2", { fn: convolution }), false);
    const many = (x: tf.Tensor, w: tf.Tensor) =>
      tf.matMul(tf.reshape(x, [4, -1, 256]), tf.tile(tf.expandDims(w, 0), [4, 1, 1]));
    assert.equal(work(100, "avx2", { fn: many }), true);
    assert.equal(work(400, "avx2", { fn: many }), false);
    assert.equal(work(100, "avx2", { fn: (x) => tf.neg(x) }), false);
  });

  it("counts a product that takes its bias along", function () {
    notOnGpu.call(this);
    tf.tidy(() => {
      const weight = tf.variable(fixed([256, 256])) as tf.Variable<tf.Rank.R2>;
      const handle = makeNode("v", "VarHandleOp", {
        outputs: [{ shape: [256, 256], dtype: DT.float32 }],
      });
      const step = (x: tf.Tensor) => linear(x, weight, tf.ones([256]));
      for (const [rows, small] of [
        [100, true],
        [400, false],
      ] as const) {
        const inputs = [fixed([rows, 256])];
        const traced = traceFunction("f", step as never, inputs, new Map([[weight, handle]]));
        const target = { precision: "float32", portable: false, constantVariables: true } as const;
        const trace = applyPasses(traced, target);
        assert.ok(trace.nodes.some(({ op }) => op === "_MklNativeFusedMatMul"));
        assert.equal(isSmallWork(trace, machine("avx2")), small);
      }
      weight.dispose();
    });
  });

  it("is never what changes variables", () => {
    assert.equal(work(100, "avx2", { learns: true }), false);
  });

  it("gives the same numbers as large work, and a graph that has both runs both", () => {
    const weight = tf.variable(fixed([64, 64])) as tf.Variable<tf.Rank.R2>;
    const { call, dispose } = compile(
      { f: (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, weight) },
      { variables: [weight] },
    );
    tf.tidy(() => {
      for (const rows of [1, 3000, 1]) {
        const x = fixed([rows, 64], [-1, 1], rows);
        const expected = tf.matMul(x as tf.Tensor2D, weight).dataSync();
        const got = (call.f(x) as tf.Tensor).dataSync();
        for (const [i, value] of got.entries())
          assert.ok(Math.abs(value - expected[i]) < 1e-5, `${rows} rows, ${i}`);
      }
    });
    dispose();
    weight.dispose();
  });

  describe("of kernels", () => {
    const small = (nodes: GraphNode[], level: Level) =>
      isSmallWork(
        { nodes, inputs: [], outputs: [], effects: [], changed: [], many: false },
        machine(level),
      );
    const given = (shape: readonly number[], dtype: number) => ({
      node: makeNode("x", "Placeholder", { outputs: [{ shape, dtype }] }),
      index: 0,
    });
    const convolution = (rows: number) =>
      makeNode("y", FUSED_CONVOLUTION, {
        inputs: [given([1, rows, 1, 256], DT.float32), given([1, 1, 256, 256], DT.float32)],
        outputs: [{ shape: [1, rows, 1, 256], dtype: DT.float32 }],
      });

    it("counts convolutions that take others along", () => {
      assert.equal(small([convolution(100)], "avx2"), true);
      assert.equal(small([convolution(400)], "avx2"), false);
    });

    it("leaves out those of this library, which share their work out by themselves", () => {
      const view = plainView(given([1, 1, 5000, 64], DT.bfloat16));
      const views = [view, view, view];
      const attention = attentionNode("y", { views, sizes: [1, 1, 5000, 5000, 64], scale: 1 }, 2);
      const operands = [
        [9999, 512],
        [512, 512],
      ].map((shape) => given(shape, DT.bfloat16));
      const parts = { operands, added: [given([512], DT.bfloat16)], transposes: true };
      const linear = linearNode("z", parts, 2);
      assert.equal(small([attention, linear], "amx_bf16"), true);
      assert.equal(small([attention, linear, convolution(100)], "avx2"), true);
      assert.equal(small([attention, linear, convolution(400)], "avx2"), false);
    });
  });
});
