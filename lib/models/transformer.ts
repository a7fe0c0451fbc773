import * as tf from "@tensorflow/tfjs-core";
import { attention, joinHeads, splitHeads } from "../engine/ops/attention";
import { type Drop, dropout as dropValues } from "../engine/ops/dropout";
import { gelu } from "../engine/ops/gelu";
import { constant, type Initializer, truncatedNormal } from "./initializers";
import { dropout, linear } from "./layers";
import { type Context, hook, type Layer } from "./module";
import type { Parameters } from "./parameters";

/** [batch, tokens, width] */
export type Tokens = tf.Tensor3D;

/** The class token, `[batch, tokens, width]` → `[batch, width]`. */
export function firstToken(tokens: Tokens): tf.Tensor2D {
  return tf.reshape(tf.slice(tokens, [0, 0, 0], [-1, 1, -1]), [-1, tokens.shape[2]]);
}

/**
 * The tokens that a block computes: the last one of a network that classifies by the class token needs no other where
 * only pooled features are wanted. All tokens stay keys and values of its attention.
 *
 * @param isLast Whether it is the last block.
 * @returns a function of tensors whose dimension before the last is that of tokens
 */
export function tokensAsked(isLast: boolean, context: Context): <T extends tf.Tensor>(x: T) => T {
  if (!isLast || !context.pooledOnly) return (x) => x;
  return (x) => tf.slice(x, new Array(x.rank).fill(0), x.shape.with(-2, 1));
}

/** GELU as a layer (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
export const geluLayer: Layer<Tokens> = (x) => gelu(x);

/**
 * Two linear layers with GELU between them, over the last dimension.
 *
 * @param hidden Width between the two.
 * @param options `init`: of both weights, default normal with deviation 0.02. `dropout`: share of values
 *   dropped after each, default 0.
 */
export function mlp<T extends tf.Tensor>(
  p: Parameters,
  width: number,
  hidden: number,
  options: { init?: Initializer; dropout?: number } = {},
): Layer<T> {
  const { init = truncatedNormal(0.02), dropout: rate = 0 } = options;
  const fc1 = linear<T>(p.at("fc1"), width, hidden, { init });
  const drop1 = dropout<T>(p, rate);
  const fc2 = linear<T>(p.at("fc2"), hidden, width, { init });
  const drop2 = dropout<T>(p, rate);
  return (x, context) => {
    const y = drop1(gelu(fc1(x, context)), context);
    return drop2(fc2(y, context), context);
  };
}

/**
 * Multi-head self-attention with one product for queries, keys and values.
 *
 * @param isLast As {@link tokensAsked} has it. Default false.
 */
export function selfAttention(
  p: Parameters,
  width: number,
  heads: number,
  isLast = false,
): Layer<Tokens> {
  const init = truncatedNormal(0.02);
  const qkv = linear<Tokens>(p.at("qkv"), width, 3 * width, { init });
  const proj = linear<Tokens>(p.at("proj"), width, width, { init });
  const name = p.path();
  return (x, context) => {
    const [q, k, v] = splitHeads(qkv(x, context), 3, heads);
    const queries = tokensAsked(isLast, context)(q);
    const scale = (width / heads) ** -0.5;
    return proj(dotProductAttention(queries, k, v, scale, context, name), context);
  };
}

/**
 * Scaled dot-product attention, whose weights the context may see or replace under `name`.
 *
 * @param q [batch, heads, queries, d]; k and v are [batch, heads, keys, d]
 * @param drop Dropout of the weights.
 * @returns [batch, queries, heads × d]
 */
export function dotProductAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  scale: number,
  context: Context,
  name: string,
  drop?: Drop,
): Tokens {
  context.tally?.(2 * q.size * k.shape[2]);
  if (context.hook === undefined) return attention(q, k, v, scale, drop);
  // In single ops, so that the weights have a gradient and can be replaced.
  const scores = tf.matMul(tf.mul(q, scale), k, false, true);
  const weights = hook(context, name, tf.softmax(scores) as tf.Tensor4D);
  return joinHeads(tf.matMul(drop ? dropValues(weights, drop) : weights, v));
}

/** Scale each channel by a learnt factor (Touvron et al. 2021, arXiv:2103.17239, eq. 4). */
export function layerScale<T extends tf.Tensor>(
  p: Parameters,
  name: string,
  width: number,
  start: number,
): Layer<T> {
  const gamma = p.add(name, [width], constant(start));
  return (x) => tf.mul(x, gamma.variable);
}
