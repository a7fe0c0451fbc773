import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { cosineAttention } from "#lib/engine/ops";
import { COSINE_ATTENTION, COSINE_ATTENTION_GRADIENT } from "#lib/engine/ops/cosine-attention";
import { hasCosineAttentionKernel } from "#lib/engine/tensorflow/cosine-attention-op";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";

interface Case {
  readonly windows: number;
  readonly heads: number;
  readonly tokens: number;
  readonly size: number;
  /** Windows of an image, each with a mask; none by default. */
  readonly masks?: number;
  readonly sharpness?: number;
}

const CASES: Record<string, Case> = {
  "Swin's": { windows: 8, heads: 3, tokens: 64, size: 32, masks: 4 },
  "without a mask": { windows: 4, heads: 2, tokens: 64, size: 32 },
  "windows that fill no tile": { windows: 3, heads: 2, tokens: 9, size: 8, masks: 3 },
  "a tile and a bit": { windows: 5, heads: 1, tokens: 49, size: 40 },
  "one window": { windows: 1, heads: 2, tokens: 36, size: 32, masks: 1 },
  "one token": { windows: 4, heads: 2, tokens: 1, size: 16 },
  "large windows": { windows: 2, heads: 1, tokens: 144, size: 32, masks: 2 },
  "as sharp as they get": { windows: 4, heads: 2, tokens: 64, size: 32, sharpness: 100 },
};

const RESULTS = ["y", "by queries, keys and values", "by sharpness", "by the bias"];

/** Numbers that bfloat16 has as they are. */
function short(shape: number[], salt: number): tf.Tensor {
  return tf.div(tf.round(tf.mul(fixed(shape, [-1, 1], salt), 128)), 128);
}

function given({ windows, heads, tokens, size, sharpness = 8 }: Case): tf.Tensor[] {
  return [
    short([windows, tokens, 3 * heads * size], 1),
    tf.mul(fixed([heads, 1, 1], [0.5, 1], 2), sharpness),
    fixed([heads, tokens, tokens], [-2, 2], 3),
    short([windows, tokens, heads * size], 4),
  ];
}

/** The result and all its gradients, one after another, as a function to compile. */
function everything({ tokens, masks }: Case) {
  const mask = masks === undefined ? undefined : fixed([masks, 1, tokens, tokens], [-3, 0], 7);
  return (...[qkv, sharpness, bias, dy]: tf.Tensor[]) => {
    const { value, grads } = tf.valueAndGrads((x, s, b) =>
      cosineAttention(x as tf.Tensor3D, s, b as tf.Tensor3D, mask as tf.Tensor4D),
    )([qkv, sharpness, bias], dy as tf.Tensor3D);
    return [value, ...grads];
  };
}

function run(of: Case, inputs: tf.Tensor[], precision: "float32" | "mixed_bfloat16", parts = 1) {
  return tf.tidy(() => {
    const compiled = compile({ fn: everything(of) }, { variables: [], precision, parts });
    try {
      return (compiled.call.fn(...inputs) as tf.Tensor[]).map((x) => {
        return { shape: x.shape, values: x.dataSync<"float32">() };
      });
    } finally {
      compiled.dispose();
    }
  });
}

/** By TensorFlow's ops. */
function withoutTiles<T>(fn: () => T): T {
  process.env.TUNING_FORK_PROCESSOR = "avx512_bf16";
  try {
    return fn();
  } finally {
    delete process.env.TUNING_FORK_PROCESSOR;
  }
}

const root = (x: Float32Array) => Math.sqrt(x.reduce((sum, value) => sum + value ** 2, 0));

describe("cosine attention and its gradients of our own", () => {
  withOwnKernel(hasCosineAttentionKernel);

  for (const [name, of] of Object.entries(CASES)) {
    it(`are as near float32 as TensorFlow's ops in bfloat16: ${name}`, () => {
      tf.tidy(() => {
        const inputs = given(of);
        const expected = run(of, inputs, "float32");
        const got = run(of, inputs, "mixed_bfloat16");
        const usual = withoutTiles(() => run(of, inputs, "mixed_bfloat16"));
        for (const [i, { shape, values }] of expected.entries()) {
          assert.deepEqual(got[i].shape, shape);
          const off = (other: Float32Array) => root(other.map((value, k) => value - values[k]));
          const [error, other] = [got, usual].map((results) => off(results[i].values));
          // What goes to sharpness cancels for the most part.
          const rounding = i === RESULTS.indexOf("by sharpness") ? 2 ** -6 : 2 ** -8;
          const most = Math.max(1.5 * other, rounding * root(values), 1e-5);
          assert.ok(error <= most, `${RESULTS[i]}: off by ${error}, TensorFlow's by ${other}`);
        }
      });
    });
  }

  it("are one op each in mixed precision, and none where a graph is for elsewhere or in float32", () => {
    tf.tidy(() => {
      const of = CASES["Swin's"];
      const inputs = given(of);
      const ops = (precision: "float32" | "mixed_bfloat16", portable = false) => {
        const traced = traceFunction("fn", everything(of) as never, inputs, new Map(), {
          precision,
          portable,
        });
        const { nodes } = applyPasses(traced, { precision, portable });
        return nodes.map(({ op }) => op).filter((op) => /Cosine|Softmax/.test(op));
      };
      assert.deepEqual(ops("mixed_bfloat16"), [COSINE_ATTENTION, COSINE_ATTENTION_GRADIENT]);
      assert.deepEqual(ops("float32"), ["Softmax"]);
      assert.deepEqual(ops("mixed_bfloat16", true), ["Softmax"]);
    });
  });

  it("are the same by however many cores", () => {
    tf.tidy(() => {
      const of = CASES["Swin's"];
      const inputs = given(of);
      // Each of more parts has fewer cores.
      assert.deepEqual(run(of, inputs, "mixed_bfloat16", 1), run(of, inputs, "mixed_bfloat16", 64));
    });
  });

  it("are no numbers where a window is none, and by what all windows share", () => {
    tf.tidy(() => {
      const of = CASES["without a mask"];
      const [qkv, ...others] = given(of);
      const none = tf.fill([1, ...qkv.shape.slice(1)], Number.NaN);
      const [y, dqkv, ...shared] = run(
        of,
        [tf.concat([none, tf.slice(qkv, 1)]), ...others],
        "mixed_bfloat16",
      );
      for (const { values } of [y, dqkv])
        values.forEach((value, i) => {
          assert.equal(Number.isNaN(value), i < values.length / of.windows);
        });
      for (const { values } of shared) assert.ok(values.every(Number.isNaN));
    });
  });

  it("are numbers for queries and keys of no length", () => {
    tf.tidy(() => {
      const of = CASES["without a mask"];
      const [qkv, ...others] = given(of);
      for (const { values } of run(of, [tf.zerosLike(qkv), ...others], "mixed_bfloat16"))
        assert.ok(values.every(Number.isFinite));
    });
  });
});
