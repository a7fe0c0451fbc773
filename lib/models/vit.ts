import * as tf from "@tensorflow/tfjs-core";
import {
  type Architecture,
  type BuildOptions,
  imageNet,
  symmetric,
  type Variant,
  variantsOf,
} from "./architecture";
import { fanInUniform, type Initializer, truncatedNormal } from "./initializers";
import { conv2d, dropout, dropPath, dropPathRates, layerNorm, sequence } from "./layers";
import { type Context, hook, type Layer, type Network } from "./module";
import { type Parameters, withLast } from "./parameters";
import { resamplePositions } from "./resample";
import {
  firstToken,
  layerScale,
  mlp,
  selfAttention,
  type Tokens,
  tokensAsked,
} from "./transformer";

interface Shape {
  readonly patch: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** Where layer scale starts; none without it. */
  readonly layerScale?: number;
  /** Register tokens (Darcet et al. 2023, arXiv:2309.16588); they have no position. */
  readonly registers?: number;
  /** Dropout after the embedding and in the blocks; without it, before the classifier alone. */
  readonly dropout?: number;
}

/**
 * Vision transformer (Dosovitskiy et al. 2020, arXiv:2010.11929), with the layer scale and the
 * registers of DINOv2 (Oquab et al. 2023, arXiv:2304.07193) where the shape asks for them.
 */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const { width, depth, patch, registers = 0 } = shape;
  const grid = options.inputSize.map((side) => side / patch) as [number, number];
  // With registers, timm's DINOv2 gives no position to the class token either.
  const placed = registers > 0 ? 0 : 1;

  const embed = conv2d(p.at("patch_embed.proj"), 3, width, patch, {
    stride: patch,
    padding: 0,
    init: fanInUniform(),
  });
  const token = (name: string, count: number, init: Initializer) =>
    p.add(name, [1, count, width], init, { decay: false }).variable as tf.Variable<tf.Rank.R3>;
  const classToken = token("cls_token", 1, truncatedNormal(1e-6));
  const positions = token("pos_embed", placed + grid[0] * grid[1], truncatedNormal(0.02));
  const prefix = [classToken];
  if (registers > 0) prefix.push(token("reg_token", registers, truncatedNormal(1e-6)));

  const inside = shape.dropout === undefined ? 0 : (options.dropout ?? shape.dropout);
  const dropEmbedding = dropout<Tokens>(p, inside);
  const rates = dropPathRates(options.dropPath ?? 0, depth);
  const blocks = rates.map((rate, i) =>
    block(p.at("blocks").at(i), shape, rate, inside, i === depth - 1),
  );
  const norm = layerNorm<tf.Tensor2D>(p.at("norm"), width);

  function embedded(images: tf.Tensor4D, context: Context): Tokens {
    const batch = images.shape[0];
    const patches: Tokens = tf.reshape(embed(images, context), [batch, -1, width]);
    const first = prefix.map((token) => tf.tile(token, [batch, 1, 1]));
    return placed > 0
      ? tf.add(tf.concat([...first, patches], 1), positions)
      : tf.concat([...first, tf.add(patches, positions)], 1);
  }

  return {
    forwardFeatures: (images, context) =>
      sequence(dropEmbedding, ...blocks)(embedded(images, context), context),
    pool: (tokens: Tokens, context) => norm(firstToken(tokens), context),
    numFeatures: width,
    classifier: { scope: "head", init: truncatedNormal(0.02), dropout: options.dropout ?? 0 },
    parameterGroups: withLast(
      [
        ["cls_token", "pos_embed", "reg_token", "patch_embed"],
        ...blocks.map((_, i) => [`blocks.${i}`]),
      ],
      "norm",
    ),
    attention: blocks.map((_, i) => ({
      name: `blocks.${i}.attn`,
      prefix: 1 + registers,
      stride: patch,
    })),
    resample: (name, from) =>
      name === "pos_embed" && from.length === 3 && from[2] === width && square(from[1] - placed)
        ? (value) => resamplePositions(value as tf.Tensor3D, placed, grid)
        : undefined,
  };
}

function square(n: number): boolean {
  return n > 0 && Number.isInteger(Math.sqrt(n));
}

/** x + attention(norm(x)), then x + mlp(norm(x)). */
function block(
  p: Parameters,
  shape: Shape,
  dropRate: number,
  inside: number,
  isLast: boolean,
): Layer<Tokens> {
  const { width, heads } = shape;
  const branch = (norm: string, scale: string, body: Layer<Tokens>): Layer<Tokens> => {
    const layers = [layerNorm<Tokens>(p.at(norm), width), body];
    if (shape.layerScale !== undefined) {
      layers.push(layerScale(p.at(scale), "gamma", width, shape.layerScale));
    }
    const run = sequence(...layers, dropPath<Tokens>(p, dropRate));
    return (x, context) => tf.add(tokensAsked(isLast, context)(x), run(x, context));
  };
  const attention = branch(
    "norm1",
    "ls1",
    sequence(selfAttention(p.at("attn"), width, heads, isLast), dropout<Tokens>(p, inside)),
  );
  const feedForward = branch(
    "norm2",
    "ls2",
    mlp<Tokens>(p.at("mlp"), width, 4 * width, { dropout: inside }),
  );
  const name = p.path();
  return (x, context) => hook(context, name, feedForward(attention(x, context), context));
}

const common = variantsOf(build, { preprocessing: symmetric });

/** Any size in whole patches; once built, only that one. */
const define = (shape: Shape, own: Variant) =>
  common(shape, { sizes: { multipleOf: shape.patch, fixed: true }, ...own });

const patch16 = (width: number, depth: number, heads: number, hub: string) =>
  define({ patch: 16, width, depth, heads }, { hub });

const dinov2 = (width: number, heads: number, registers: number, hub: string) =>
  define(
    { patch: 14, width, depth: 12, heads, registers, layerScale: 1e-5 },
    { size: 518, hub, preprocessing: imageNet },
  );

/** Vision transformers (Dosovitskiy et al. 2020, arXiv:2010.11929) and DINOv2 (Oquab et al. 2023, arXiv:2304.07193). */
export const vit: Architecture = {
  vit_tiny_patch16_224: patch16(192, 12, 3, "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"),
  vit_small_patch16_224: patch16(384, 12, 6, "timm/vit_small_patch16_224.augreg_in21k_ft_in1k"),
  vit_base_patch16_224: patch16(768, 12, 12, "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k"),
  vit_large_patch16_224: patch16(1024, 24, 16, "timm/vit_large_patch16_224.augreg_in21k_ft_in1k"),
  vit_small_patch14_dinov2: dinov2(384, 6, 0, "timm/vit_small_patch14_dinov2.lvd142m"),
  vit_base_patch14_dinov2: dinov2(768, 12, 0, "timm/vit_base_patch14_dinov2.lvd142m"),
  vit_small_patch14_reg4_dinov2: dinov2(384, 6, 4, "timm/vit_small_patch14_reg4_dinov2.lvd142m"),
  vit_base_patch14_reg4_dinov2: dinov2(768, 12, 4, "timm/vit_base_patch14_reg4_dinov2.lvd142m"),
  // Lin et al. 2021 (arXiv:2110.01024), trained on Galaxy Zoo 2 from the start.
  gz2_vit: define({ patch: 16, width: 256, depth: 8, heads: 8, dropout: 0.1 }, {}),
  test_vit: define({ patch: 8, width: 32, depth: 2, heads: 2 }, { size: 32 }),
  test_dinov2: define(
    { patch: 8, width: 24, depth: 2, heads: 3, registers: 2, layerScale: 1e-5 },
    { size: 32, preprocessing: imageNet },
  ),
};
