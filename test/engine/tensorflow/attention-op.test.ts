import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "#lib/engine/native";
import { attention } from "#lib/engine/ops";
import {
  attentionGradientNode,
  attentionNode,
  type HeadsDropout,
  hasAttentionKernel,
  hasFullAttentionKernel,
  joinedView,
  plainView,
} from "#lib/engine/tensorflow/attention-op";
import { castNode, makeNode, type Output } from "#lib/engine/tensorflow/graph";
import { Session } from "#lib/engine/tensorflow/session";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";

interface Case {
  readonly images: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly length: number;
  readonly scale?: number;
  /** Share of the weights that are dropped. */
  readonly rate?: number;
}

const SEED = [20_262_027, -5];

const NAMES = ["q", "k", "v", "dy"] as const;

/** Operands that bfloat16 has as they are: whole numbers of 128ths. */
function operandsOf({ images, heads, queries, keys, length }: Case): tf.Tensor[] {
  const short = (shape: number[], salt: number) =>
    tf.div(tf.round(tf.mul(fixed(shape, [-1, 1], salt), 128)), 128);
  return [
    short([images, heads, queries, length], 1),
    short([images, heads, keys, length], 2),
    short([images, heads, keys, length], 3),
    short([images, queries, heads * length], 4),
  ];
}

/** The result, and the gradients by queries, keys and values, of operands that are cast first. */
function run(dtype: number, given: Case, operands: readonly tf.Tensor[], threads = 1): tf.Tensor[] {
  const { images, heads, queries, keys, length, scale = length ** -0.5, rate } = given;
  const fed = operands.map(({ shape }, i) =>
    makeNode(NAMES[i], "Placeholder", {
      attributes: [attribute.type("dtype", DT.float32), attribute.shape("shape", shape)],
      outputs: [{ shape, dtype: DT.float32 }],
    }),
  );
  const casts = fed.map((node) => castNode(`${node.name}_cast`, { node, index: 0 }, dtype));
  const [q, k, v, dy] = casts.map((node) => ({ node, index: 0 }));
  const sizes = [images, heads, queries, keys, length] as const;
  const views = [q, k, v].map(plainView);
  const seed = { shape: [2], dtype: DT.int32, bytes: new Uint8Array(Int32Array.from(SEED).buffer) };
  const drawn = makeNode("seed", "Const", { outputs: [seed], value: seed });
  const dropout = rate === undefined ? undefined : dropoutOf({ node: drawn, index: 0 }, rate);
  const all = { views: [...views, joinedView(dy, heads)], sizes, scale, dropout };
  const y = attentionNode("y", { views, sizes, scale, dropout }, threads);
  const gradients = attentionGradientNode("gradients", all, threads);
  const outputs = [
    { node: y, index: 0 },
    ...[0, 1, 2].map((index) => ({ node: gradients, index })),
  ];
  const results = outputs.map((output, i) => castNode(`result${i}`, output, DT.float32));
  const session = new Session([...fed, ...casts, drawn, y, gradients, ...results]);
  try {
    return session.run(
      operands,
      NAMES.map((name) => `${name}:0`),
      results.map(({ name }) => `${name}:0`),
    );
  } finally {
    session.close();
  }
}

function dropoutOf(seed: Output, rate: number): HeadsDropout {
  return { seed, least: Math.round((rate - 0.5) * 2 ** 32) | 0, kept: 1 / (1 - rate) };
}

function expectedOf(
  { length, scale = length ** -0.5, rate }: Case,
  operands: readonly tf.Tensor[],
): tf.Tensor[] {
  const drop = rate === undefined ? undefined : { rate, seed: tf.tensor1d(SEED, "int32") };
  const [q, k, v, dy] = operands as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor3D];
  const { value, grads } = tf.valueAndGrads((a, b, c) =>
    attention(a as tf.Tensor4D, b as tf.Tensor4D, c as tf.Tensor4D, scale, drop),
  )([q, k, v], dy);
  return [value, ...grads];
}

const CASES: Record<string, Case> = {
  "a vision transformer's": { images: 1, heads: 3, queries: 197, keys: 197, length: 64 },
  "Linformer's": { images: 2, heads: 8, queries: 65, keys: 64, length: 16 },
  "heads that fill no tile": { images: 2, heads: 2, queries: 5, keys: 7, length: 8 },
  "heads that fill no register": { images: 2, heads: 3, queries: 13, keys: 33, length: 5 },
  "a tile and a bit": { images: 1, heads: 2, queries: 33, keys: 17, length: 40 },
  "one query": { images: 2, heads: 2, queries: 1, keys: 50, length: 32 },
  "one query of many keys": { images: 1, heads: 3, queries: 1, keys: 577, length: 64 },
  "one key": { images: 1, heads: 1, queries: 20, keys: 1, length: 96 },
  "one of each": { images: 2, heads: 2, queries: 1, keys: 1, length: 16 },
  "more than a cache line a head": { images: 1, heads: 1, queries: 70, keys: 100, length: 80 },
  "a tenth dropped": { images: 2, heads: 3, queries: 65, keys: 50, length: 32, rate: 0.1 },
  "half dropped": { images: 1, heads: 2, queries: 7, keys: 40, length: 16, rate: 0.5 },
  "scores far apart": { images: 1, heads: 2, queries: 40, keys: 48, length: 32, scale: 20 },
};

const KINDS = [
  // P, dS and results are rounded to eight bits.
  { type: "bfloat16", dtype: DT.bfloat16, isThere: hasAttentionKernel, most: 2 ** -8 },
  { type: "float32", dtype: DT.float32, isThere: hasFullAttentionKernel, most: 1e-6 },
];

for (const { type, dtype, isThere, most } of KINDS)
  describe(`attention and its gradients of our own in ${type}`, () => {
    withOwnKernel(isThere);

    for (const [name, given] of Object.entries(CASES)) {
      it(`are those of TensorFlow's ops in float32 but for rounding: ${name}`, () => {
        tf.tidy(() => {
          const operands = operandsOf(given);
          const got = run(dtype, given, operands);
          for (const [i, expected] of expectedOf(given, operands).entries()) {
            assert.deepEqual(got[i].shape, expected.shape);
            const rms = (x: tf.Tensor) => tf.sqrt(tf.mean(tf.square(x))).dataSync()[0];
            const [error, size] = [rms(tf.sub(got[i], expected)), rms(expected)];
            const what = ["y", "dq", "dk", "dv"][i];
            // What scores are off by in their last digits, their exponentials are too.
            const share = most * (dtype === DT.float32 ? Math.max(1, given.scale ?? 0) : 1);
            assert.ok(error <= share * size + 2e-7, `${what} is off by ${error} of ${size}`);
          }
        });
      });
    }

    it("are the same by however many cores", () => {
      tf.tidy(() => {
        const given = { images: 2, heads: 3, queries: 65, keys: 65, length: 32, rate: 0.2 };
        const operands = operandsOf(given);
        const alone = run(dtype, given, operands).map((y) => y.dataSync());
        for (const threads of [2, 3, 8, 64])
          assert.deepEqual(
            run(dtype, given, operands, threads).map((y) => y.dataSync()),
            alone,
          );
      });
    });

    it("are no numbers where an image is none, and only there", () => {
      tf.tidy(() => {
        const given = { images: 3, heads: 2, queries: 40, keys: 40, length: 32 };
        const operands = operandsOf(given).map((x) =>
          tf.concat([tf.fill([1, ...x.shape.slice(1)], Number.NaN), tf.slice(x, 0, 2)]),
        );
        for (const y of run(dtype, given, operands)) {
          const values = y.dataSync();
          values.forEach((value, i) => {
            assert.equal(Number.isNaN(value), i < values.length / 3);
          });
        }
      });
    });
  });
