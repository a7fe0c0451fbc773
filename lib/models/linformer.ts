import * as tf from "@tensorflow/tfjs-core";
import { splitHeads } from "../engine/ops/attention";
import { withoutAutocast } from "../engine/trace";
import { type Architecture, type BuildOptions, symmetric, variantsOf } from "./architecture";
import { fanInUniform, type Initializer, truncatedNormal } from "./initializers";
import { dropout, dropping, layerNorm, linear, sequence } from "./layers";
import { hook, type Layer, type Network } from "./module";
import { type Parameters, withLast } from "./parameters";
import {
  dotProductAttention,
  firstToken,
  geluLayer,
  type Tokens,
  tokensAsked,
} from "./transformer";

interface Shape {
  readonly patch: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** How many rows keys and values are projected to. */
  readonly k: number;
}

const EPSILON = 1e-5;
const DROPOUT = 0.1;

/**
 * Vision transformer with the linear attention of Linformer (Wang et al. 2020, arXiv:2006.04768),
 * as Lin et al. 2021 (arXiv:2110.01024) used it on Galaxy Zoo 2. Parameter names are those of the
 * packages `linformer` and `vit-pytorch` of that time.
 */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const { width, patch } = shape;
  const [rows, columns] = options.inputSize.map((side) => side / patch);
  const tokens = rows * columns + 1;
  const rate = options.dropout ?? DROPOUT;
  const embed = linear<Tokens>(p.at("to_patch_embedding.1"), patch * patch * 3, width);
  const add = (name: string, count: number) =>
    p.add(name, [1, count, width], truncatedNormal(1), { decay: false }).variable as tf.Tensor3D;
  const positions = add("pos_embedding", tokens);
  const classToken = add("cls_token", 1);
  const blocks = Array.from({ length: shape.depth }, (_, i) =>
    block(p.at("transformer.net.layers").at(i), shape, tokens, rate, i === shape.depth - 1),
  );
  const norm = layerNorm<tf.Tensor2D>(p.at("mlp_head.0"), width, EPSILON);
  return {
    forwardFeatures(images, context) {
      const batch = images.shape[0];
      // Rows of pixels within rows of patches → patches, each as (row, column, color).
      const cut = tf.reshape(images, [batch, rows, patch, columns, patch * 3]);
      const patches: Tokens = tf.reshape(tf.transpose(cut, [0, 1, 3, 2, 4]), [
        batch,
        rows * columns,
        patch * patch * 3,
      ]);
      const first = tf.tile(classToken, [batch, 1, 1]);
      const start = plus(tf.concat([first, embed(patches, context)], 1), positions);
      return sequence(...blocks.map(({ layer }) => layer))(start, context);
    },
    pool: (tokens: Tokens, context) => norm(firstToken(tokens), context),
    numFeatures: width,
    classifier: { scope: "mlp_head.1", dropout: 0 },
    parameterGroups: withLast(
      [
        ["to_patch_embedding", "pos_embedding", "cls_token"],
        ...blocks.map((_, i) => [`transformer.net.layers.${i}`]),
      ],
      "mlp_head.0",
    ),
    attention: blocks.map(({ name, mixing }) => ({ name, prefix: 1, stride: patch, mixing })),
  };
}

/** The residual sums: in bfloat16 their rounding would be 2 % of the features. */
function plus(a: Tokens, b: Tokens): Tokens {
  return withoutAutocast(() => tf.add(a, b));
}

/** x + attention(norm(x)), then x + mlp(norm(x)). */
function block(p: Parameters, shape: Shape, tokens: number, rate: number, isLast: boolean) {
  const { width } = shape;
  const norm = layerNorm<Tokens>(p.at("0.norm"), width, EPSILON);
  const { layer: attention, ...shown } = linearAttention(p.at("0.fn"), shape, tokens, rate, isLast);
  const mlp = sequence(
    layerNorm<Tokens>(p.at("1.norm"), width, EPSILON),
    linear<Tokens>(p.at("1.fn.w1"), width, 4 * width),
    geluLayer,
    dropout<Tokens>(p, rate),
    linear<Tokens>(p.at("1.fn.w2"), 4 * width, width),
  );
  const name = p.path();
  const layer: Layer<Tokens> = (x, context) => {
    const y = plus(tokensAsked(isLast, context)(x), attention(norm(x, context), context));
    return hook(context, name, plus(y, mlp(y, context)));
  };
  return { layer, ...shown };
}

/** Attention to k mixtures of the tokens: softmax(q (E K)ᵀ / √d) F V (equation 7). */
function linearAttention(
  p: Parameters,
  { width, heads, k }: Shape,
  tokens: number,
  rate: number,
  isLast: boolean,
) {
  const project = (name: string) => linear<Tokens>(p.at(name), width, width, { bias: false });
  const mixing = (name: string) =>
    p.add(name, [tokens, k], mixtureUniform, { decay: true }).variable as tf.Tensor2D;
  const toQ = project("to_q");
  const toK = project("to_k");
  const mixK = mixing("proj_k");
  const toV = project("to_v");
  const mixV = mixing("proj_v");
  const drop = dropping(p, rate);
  const out = linear<Tokens>(p.at("to_out"), width, width);
  const scale = (width / heads) ** -0.5;
  const name = p.path();
  /** [batch, tokens, width] → [batch, k, width] */
  const mix = (x: Tokens, by: tf.Tensor2D): Tokens =>
    tf.matMul(tf.tile(tf.expandDims(by, 0), [x.shape[0], 1, 1]), x, true, false);
  const layer: Layer<Tokens> = (x, context) => {
    context.tally?.(2 * x.size * k);
    const [queries] = splitHeads(toQ(tokensAsked(isLast, context)(x), context), 1, heads);
    const [keys] = splitHeads(mix(toK(x, context), mixK), 1, heads);
    const [values] = splitHeads(mix(toV(x, context), mixV), 1, heads);
    const weighted = dotProductAttention(
      queries,
      keys,
      values,
      scale,
      context,
      name,
      drop(context),
    );
    return out(weighted, context);
  };
  return { layer, name, mixing: mixV };
}

/** Uniform in ±1/√k. */
const mixtureUniform: Initializer = fanInUniform();

const define = variantsOf(build, { preprocessing: { ...symmetric, interpolation: "bilinear" } });

/** Linformer on patches (Wang et al. 2020, arXiv:2006.04768). */
export const linformer: Architecture = {
  linformer: define(
    { patch: 28, width: 128, depth: 12, heads: 8, k: 64 },
    { sizes: { multipleOf: 28, fixed: true } },
  ),
  test_linformer: define(
    { patch: 8, width: 16, depth: 2, heads: 2, k: 5 },
    { sizes: { multipleOf: 8, fixed: true }, size: 32 },
  ),
};
