import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { attention } from "#lib/engine/ops";
import {
  attentionNode,
  hasFullAttentionKernel,
  plainView,
} from "#lib/engine/tensorflow/attention-op";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";
import { runKernel, shareOff } from "./support";

type Sizes = readonly [images: number, heads: number, queries: number, keys: number, size: number];

/** What the kernel gives, and TensorFlow's ops. */
function both(
  sizes: Sizes,
  scale: number,
  threads: number,
  salt = 1,
): [Float32Array, Float32Array] {
  const [images, heads, queries, keys, size] = sizes;
  const [q, k, v] = [queries, keys, keys].map(
    (tokens, i) => fixed([images, heads, tokens, size], [-1, 1], salt + i) as tf.Tensor4D,
  );
  const got = runKernel(
    { q, k, v },
    (of) =>
      attentionNode("kernel", { views: Object.values(of).map(plainView), sizes, scale }, threads),
    ["q", "k", "v"],
  );
  const expected = attention(q, k, v, scale);
  assert.deepEqual(got.shape, expected.shape);
  return [got.dataSync<"float32">(), expected.dataSync<"float32">()];
}

describe("attention of our own in float32", () => {
  withOwnKernel(hasFullAttentionKernel);

  const cases: Record<string, [Sizes, scale?: number]> = {
    "a vision transformer's": [[2, 3, 197, 197, 64]],
    "one query and one key": [[2, 2, 1, 1, 16]],
    "one query of many keys": [[1, 3, 1, 577, 64]],
    "more queries than keys": [[3, 2, 65, 7, 24]],
    "heads that fill no register": [[2, 3, 13, 33, 5]],
    "heads of more than two registers": [[1, 2, 25, 31, 72]],
    "scores far apart": [[2, 2, 40, 50, 32], 30],
    "scores far apart, of which most are next to nothing": [[1, 1, 20, 90, 16], 400],
  };
  for (const [name, [sizes, scale = sizes[4] ** -0.5]] of Object.entries(cases)) {
    it(`is TensorFlow's but for rounding, however many cores share it: ${name}`, () => {
      for (const threads of [1, 2, 64]) {
        tf.tidy(() => {
          // What scores are off by in their last digits, their exponentials are too.
          const most = 1e-6 * Math.max(1, scale);
          const off = shareOff(...both(sizes, scale, threads));
          assert.ok(off <= most, `${threads} cores: off by ${off}`);
        });
      }
    });
  }

  it("is no number for queries and keys that are none, and only for their heads", () => {
    tf.tidy(() => {
      const whole = fixed([1, 1, 3, 4], [-1, 1], 1);
      const none = tf.mul(whole, Number.NaN);
      const heads = (which: tf.Tensor) => tf.concat([whole, which, whole], 1);
      const given = { q: heads(none), k: heads(whole), v: heads(whole) };
      const sizes = [1, 3, 3, 3, 4] as const;
      const got = runKernel(
        given,
        (of) =>
          attentionNode("kernel", { views: Object.values(of).map(plainView), sizes, scale: 1 }, 2),
        ["q", "k", "v"],
      );
      got.dataSync().forEach((value, i) => {
        assert.equal(Number.isNaN(value), Math.floor((i % 12) / 4) === 1);
      });
    });
  });
});
