import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { attention, linear } from "#lib/engine/ops";
import { splitHeads } from "#lib/engine/ops/attention";
import {
  ATTENTION,
  ATTENTION_GRADIENT,
  FULL_ATTENTION,
  FULL_ATTENTION_GRADIENT,
  hasAttentionKernel,
  hasFullAttentionKernel,
} from "#lib/engine/tensorflow/attention-op";
import type { Target } from "#lib/engine/tensorflow/passes/pass";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { withOwnKernel } from "../../support";
import { numbersOf, shareOff } from "../support";

const WIDTH = 32;
type Fn = (x: tf.Tensor, seed: tf.Tensor) => tf.Tensor | tf.Tensor[];

/** Of what a layer makes of an attention, as in a network. */
function lossOf(y: tf.Tensor3D): tf.Scalar {
  const weight = fixed([WIDTH, y.shape[2]], [-1, 1], 2) as tf.Tensor2D;
  return tf.sum(tf.square(linear(y, weight)));
}

/** The gradient by the input of a layer whose heads attend to one another. */
const learning =
  (heads: number, size: number, rate = 0): Fn =>
  (x, seed) => {
    const weight = fixed([3 * heads * size, WIDTH], [-1, 1], 1) as tf.Tensor2D;
    const loss = (given: tf.Tensor) => {
      const [q, k, v] = splitHeads(linear(given, weight) as tf.Tensor3D, 3, heads);
      const y = attention(q, k, v, size ** -0.5, rate > 0 ? { rate, seed } : undefined);
      return lossOf(y);
    };
    return tf.grad(loss)(x);
  };

function opsOf(fn: Fn, x: tf.Tensor, target: Partial<Target>): string[] {
  return tf.tidy(() => {
    const seed = tf.tensor1d([3, 4], "int32");
    const traced = traceFunction("fn", fn as never, [x, seed], new Map());
    return applyPasses(traced, { precision: "float32", portable: false, ...target }).nodes.map(
      ({ op }) => op,
    );
  });
}

const NAMED: Record<string, Fn> = {
  "all weights": learning(6, 64),
  "a fifth of the weights dropped": learning(6, 64, 0.2),
};

const KINDS = [
  {
    precision: "mixed_bfloat16",
    isThere: hasAttentionKernel,
    attentionOp: ATTENTION,
    gradientOp: ATTENTION_GRADIENT,
  },
  {
    precision: "float32",
    isThere: hasFullAttentionKernel,
    attentionOp: FULL_ATTENTION,
    gradientOp: FULL_ATTENTION_GRADIENT,
  },
] as const;

for (const { precision, isThere, attentionOp, gradientOp } of KINDS)
  describe(`the gradients of attention as one kernel in ${precision}`, () => {
    withOwnKernel(isThere);

    for (const [name, fn] of Object.entries(NAMED)) {
      it(`are as near float32 as TensorFlow's ops: ${name}`, () => {
        const x = fixed([2, 197, WIDTH], [-1, 1], 9);
        const seed = tf.tensor1d([3, 4], "int32");
        const ops = opsOf(fn, x, { precision });
        assert.deepEqual(
          [gradientOp, "Softmax", "BatchMatMulV2"].map(
            (op) => ops.filter((other) => other === op).length,
          ),
          [1, 0, 0],
        );
        const off = "fuse-attention,fuse-attention-gradient";
        const exact = numbersOf(fn, [x, seed], "float32", off);
        const got = shareOff(numbersOf(fn, [x, seed], precision), exact);
        const usual = shareOff(numbersOf(fn, [x, seed], precision, off), exact);
        const most = precision === "float32" ? 1e-6 : 2 ** -8;
        assert.ok(got <= Math.max(1.5 * usual, most), `off by ${got}, TensorFlow's by ${usual}`);
        tf.dispose([x, seed]);
      });
    }

    it("leaves the attention as one kernel beside it, where its result is asked for", () => {
      const x = fixed([2, 197, WIDTH], [-1, 1], 9);
      for (const rate of [0, 0.1]) {
        const both: Fn = (given, seed) => {
          const weight = fixed([6 * 64 * 3, WIDTH], [-1, 1], 1) as tf.Tensor2D;
          const { value, grad } = tf.valueAndGrad((t: tf.Tensor) => {
            const [q, k, v] = splitHeads(linear(t, weight) as tf.Tensor3D, 3, 6);
            const y = attention(q, k, v, 0.125, rate > 0 ? { rate, seed } : undefined);
            return lossOf(y);
          })(given);
          return [value, grad];
        };
        const ops = opsOf(both, x, { precision });
        for (const op of [attentionOp, gradientOp])
          assert.equal(ops.filter((other) => other === op).length, 1, `${op} at ${rate}`);
        assert.ok(!ops.includes("Softmax"));
      }
      x.dispose();
    });

    it("leaves alone other formats and what goes elsewhere", () => {
      const x = fixed([2, 197, WIDTH], [-1, 1], 9);
      const fn = learning(6, 64);
      for (const target of [
        { precision, portable: true },
        { precision: "bfloat16_products" },
      ] as const)
        assert.ok(!opsOf(fn, x, target).some((op) => /^TuningFork.*Attention/.test(op)));
      x.dispose();
    });

    it("leaves alone weights that somebody else looks at", () => {
      const x = fixed([2, 197, WIDTH], [-1, 1], 9);
      const looked: Fn = (given) => {
        const weight = fixed([6 * 64 * 3, WIDTH], [-1, 1], 1) as tf.Tensor2D;
        const loss = (t: tf.Tensor) => {
          const [q, k, v] = splitHeads(linear(t, weight) as tf.Tensor3D, 3, 6);
          // Not what `attention` writes: the weights are squared.
          const w = tf.square(tf.softmax(tf.matMul(tf.mul(q, 0.125), k, false, true)));
          return tf.sum(tf.square(tf.matMul(w, v))) as tf.Scalar;
        };
        return tf.grad(loss)(given);
      };
      assert.ok(!opsOf(looked, x, { precision }).includes(gradientOp));
      x.dispose();
    });
  });
