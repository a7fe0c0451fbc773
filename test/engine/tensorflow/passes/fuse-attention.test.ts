import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { attention, linear } from "#lib/engine/ops";
import { splitHeads } from "#lib/engine/ops/attention";
import {
  ATTENTION,
  FULL_ATTENTION,
  hasAttentionKernel,
  hasFullAttentionKernel,
} from "#lib/engine/tensorflow/attention-op";
import { fuseAttention } from "#lib/engine/tensorflow/passes/fuse-attention";
import { mixedPrecision } from "#lib/engine/tensorflow/passes/mixed-precision";
import type { Target } from "#lib/engine/tensorflow/passes/pass";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { withOwnKernel } from "../../support";
import { numbersOf, shareOff } from "../support";

const WIDTH = 16;
const TARGET: Target = { precision: "mixed_bfloat16", portable: false, parts: 2 };

type Fn = (x: tf.Tensor) => tf.Tensor;

/** A linear layer whose result has these features; its weights are constants. */
function layer(x: tf.Tensor, features: number, salt: number): tf.Tensor3D {
  const weight = fixed([features, WIDTH], [-1, 1], salt) as tf.Tensor2D;
  return linear(x, weight) as tf.Tensor3D;
}

/** Queries, keys and values from one layer, as in a vision transformer; of `queries` tokens, the first ones. */
const self =
  (heads: number, size: number, queries?: number, scale = size ** -0.5): Fn =>
  (x) => {
    const [q, k, v] = splitHeads(layer(x, 3 * heads * size, 1), 3, heads);
    const some = queries === undefined ? q : tf.slice(q, [0, 0, 0, 0], [-1, -1, queries, -1]);
    return attention(some as tf.Tensor4D, k, v, scale);
  };

/** Each from a layer of its own, with fewer keys than queries, as in Linformer. */
const apart =
  (heads: number, size: number, keys: number): Fn =>
  (x) => {
    const [q, k, v] = [2, 3, 4].map((salt) => layer(x, heads * size, salt));
    const few = [k, v].map((all) => tf.slice(all, [0, 0, 0], [-1, keys, -1]) as tf.Tensor3D);
    const [queries, ...others] = [q, ...few].map((all) => splitHeads(all, 1, heads)[0]);
    return attention(queries, others[0], others[1], size ** -0.5);
  };

function opsOf(fn: Fn, x: tf.Tensor, target: Partial<Target> = {}): string[] {
  const all = { ...TARGET, ...target };
  const traced = traceFunction("fn", fn as never, [x], new Map());
  return fuseAttention.run(mixedPrecision.run(traced, all), all).nodes.map(({ op }) => op);
}

const CASES: Record<string, [Fn, batch: number, tokens: number]> = {
  "a vision transformer's": [self(6, 64), 2, 197],
  "one whose heads fill no tile": [self(2, 8), 3, 5],
  "one tile and a bit, in each direction": [self(3, 40), 1, 33],
  "more than a cache line a head": [self(2, 80), 2, 300],
  "one token": [self(1, 16), 1, 1],
  "the first token's": [self(3, 32, 1), 4, 65],
  "some tokens', of many": [self(3, 32, 17), 2, 65],
  "mixtures of tokens as keys": [apart(8, 16, 64), 3, 65],
  "keys and values that overflow no score": [self(2, 32, undefined, 1000), 2, 50],
};

describe("attention as one kernel", () => {
  withOwnKernel(hasAttentionKernel);

  for (const [name, [fn, batch, tokens]] of Object.entries(CASES)) {
    it(`is as near float32 as TensorFlow's ops in bfloat16: ${name}`, () => {
      const x = fixed([batch, tokens, WIDTH], [-1, 1], 9);
      assert.deepEqual(
        opsOf(fn, x).filter((op) => [ATTENTION, "Softmax", "BatchMatMulV2"].includes(op)),
        [ATTENTION],
      );
      const exact = numbersOf(fn, [x], "float32");
      const [own, others] = [
        numbersOf(fn, [x], "mixed_bfloat16"),
        numbersOf(fn, [x], "mixed_bfloat16", "fuse-attention"),
      ];
      const [got, usual] = [own, others].map((values) => shareOff(values, exact));
      assert.ok(
        got <= Math.max(1.5 * usual, 2 ** -9),
        `off by ${got}, TensorFlow's ops by ${usual}`,
      );
      x.dispose();
    });
  }

  it("is no number where an image is none, and only there", () => {
    const x = tf.tidy(() => {
      const whole = fixed([2, 40, WIDTH], [-1, 1], 9);
      return tf.concat([whole, tf.fill([1, 40, WIDTH], Number.NaN), whole], 0);
    });
    const y = numbersOf(self(2, 32), [x], "mixed_bfloat16");
    const share = y.length / 5;
    y.forEach((value, i) => {
      assert.equal(Number.isNaN(value), Math.floor(i / share) === 2);
    });
    assert.deepEqual(y.slice(0, 2 * share), y.slice(3 * share));
    x.dispose();
  });

  it("leaves alone whose weights are looked at, what learns, other formats, and what goes elsewhere", () => {
    const x = fixed([2, 40, WIDTH], [-1, 1], 9);
    const fn = self(2, 32);
    const plain = (changed: Fn, target: Partial<Target> = {}) => {
      for (const precision of ["mixed_bfloat16", "float32"] as const) {
        const ops = opsOf(changed, x, { precision, ...target });
        assert.ok(!ops.includes(ATTENTION) && !ops.includes(FULL_ATTENTION));
      }
    };
    assert.ok(opsOf(fn, x).includes(ATTENTION));
    plain(fn, { portable: true });
    plain(fn, { precision: "bfloat16_products" });
    plain(self(2, 32, undefined, -1));
    plain((given) => tf.grad((t) => fn(t))(given));
    plain((given) => {
      const [q, k, v] = splitHeads(layer(given, 192, 1), 3, 2);
      const weights = tf.softmax(tf.matMul(tf.mul(q, 0.1), k, false, true));
      const y = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [2, 40, 64]);
      return tf.add(tf.sum(weights), y);
    });
    x.dispose();
  });
});

describe("attention in float32 as one kernel", () => {
  withOwnKernel(hasFullAttentionKernel);

  for (const [name, [fn, batch, tokens]] of Object.entries(CASES)) {
    it(`is as exact in float32 as TensorFlow's ops: ${name}`, () => {
      const x = fixed([batch, tokens, WIDTH], [-1, 1], 9);
      const attentions = [FULL_ATTENTION, "Softmax", "BatchMatMulV2"];
      const found = opsOf(fn, x, { precision: "float32" });
      assert.deepEqual(
        found.filter((op) => attentions.includes(op)),
        [FULL_ATTENTION],
      );
      const [own, others] = ["", "fuse-attention"].map((off) => numbersOf(fn, [x], "float32", off));
      // What scores are off by in their last digits, their exponentials are too.
      const most = name.includes("overflow") ? 1e-3 : 1e-6;
      assert.ok(shareOff(own, others) <= most, `off by ${shareOff(own, others)}`);
      x.dispose();
    });
  }
});
