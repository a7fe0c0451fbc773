import * as tf from "@tensorflow/tfjs-core";
import { joinHeads, splitHeads } from "../engine/ops/attention";
import { cosineAttention, inverseLength } from "../engine/ops/cosine-attention";
import { addBias } from "../engine/ops/linear";
import { roll } from "../engine/ops/roll";
import { type Architecture, type BuildOptions, imageNet, variantsOf } from "./architecture";
import { constant, fanInUniform, truncatedNormal, zeros } from "./initializers";
import {
  conv2d,
  dropPath,
  dropPathRates,
  globalAveragePool,
  layerNorm,
  linear,
  sequence,
} from "./layers";
import { type AttentionHook, type Context, hook, type Layer, type Network } from "./module";
import { type Parameters, withLast } from "./parameters";
import { mlp, type Tokens } from "./transformer";
import { joinWindows, relativePositions, shiftMask, splitWindows, type Window } from "./windows";

interface Shape {
  readonly window: number;
  readonly width: number;
  readonly depths: readonly number[];
  readonly heads: readonly number[];
}

const PATCH = 4;
const EPSILON = 1e-5;
const init = truncatedNormal(0.02);

/** Swin Transformer V2 (Liu et al. 2022, arXiv:2111.09883). */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const stem = sequence(
    conv2d(p.at("patch_embed.proj"), 3, shape.width, PATCH, {
      stride: PATCH,
      padding: 0,
      init: fanInUniform(),
    }),
    layerNorm<tf.Tensor4D>(p.at("patch_embed.norm"), shape.width, EPSILON),
  );
  const rates = dropPathRates(
    options.dropPath ?? 0,
    shape.depths.reduce((a, b) => a + b),
  );
  const body: Layer[] = [];
  const parameterGroups: string[][] = [["patch_embed"]];
  const attention: AttentionHook[] = [];
  const featureMaps: string[] = [];
  let width = shape.width;
  let size = options.inputSize.map((side) => side / PATCH) as [number, number];
  shape.depths.forEach((depth, stage) => {
    const at = p.at("layers").at(stage);
    if (stage > 0) {
      body.push(mergePatches(at.at("downsample"), width));
      width *= 2;
      size = [size[0] / 2, size[1] / 2];
    }
    for (let i = 0; i < depth; i++) {
      const blockAt = at.at("blocks").at(i);
      const window = fitWindow(size, shape.window, i % 2 === 1);
      const rate = rates[parameterGroups.length - 1];
      body.push(block(blockAt, width, shape.heads[stage], size, window, rate));
      featureMaps.push(blockAt.path());
      const stride = PATCH * 2 ** stage;
      attention.push({ name: blockAt.path("attn"), prefix: 0, stride, window });
      parameterGroups.push([
        blockAt.path(),
        ...(stage > 0 && i === 0 ? [at.path("downsample")] : []),
      ]);
    }
  });
  const norm = layerNorm<tf.Tensor4D>(p.at("norm"), width, EPSILON);
  return {
    forwardFeatures: sequence(stem, ...body, norm),
    pool: globalAveragePool,
    numFeatures: width,
    classifier: { scope: "head.fc", init, dropout: options.dropout ?? 0 },
    parameterGroups: withLast(parameterGroups, "norm"),
    attention,
    featureMaps,
    derivedBuffers: ["attn_mask", "relative_coords_table", "relative_position_index"],
  };
}

/** A window no larger than the feature map, and its shift: none where one window is all. */
function fitWindow(size: readonly [number, number], wanted: number, shifted: boolean): Window {
  const window = size.map((side) => Math.min(side, wanted)) as [number, number];
  const shift = size.map((side, axis) => (shifted && side > window[axis] ? wanted >> 1 : 0)) as [
    number,
    number,
  ];
  return { size: window, shift };
}

/** 2 × 2 neighbors become one position of twice the width. */
function mergePatches(p: Parameters, width: number): Layer {
  const reduction = linear<tf.Tensor4D>(p.at("reduction"), 4 * width, 2 * width, {
    bias: false,
    init,
  });
  const norm = layerNorm<tf.Tensor4D>(p.at("norm"), 2 * width, EPSILON);
  return (x, context) => {
    const [batch, height, columns] = x.shape;
    const halves = tf.reshape(x, [batch, height / 2, 2, columns / 2, 2, width]);
    // timm's order of the four: the row changes fastest.
    const four: tf.Tensor4D = tf.reshape(tf.transpose(halves, [0, 1, 3, 4, 2, 5]), [
      batch,
      height / 2,
      columns / 2,
      4 * width,
    ]);
    return norm(reduction(four, context), context);
  };
}

/** x + norm(attention(x)), then x + norm(mlp(x)): normalized after, unlike the first Swin. */
function block(
  p: Parameters,
  width: number,
  heads: number,
  size: readonly [number, number],
  window: Window,
  dropRate: number,
): Layer {
  const padded = size.map((side, axis) => {
    return Math.ceil(side / window.size[axis]) * window.size[axis];
  }) as [number, number];
  const attention = windowAttention(p.at("attn"), width, heads, padded, window);
  const norm1 = layerNorm<tf.Tensor4D>(p.at("norm1"), width, EPSILON);
  const norm2 = layerNorm<tf.Tensor4D>(p.at("norm2"), width, EPSILON);
  const feedForward = mlp<tf.Tensor4D>(p.at("mlp"), width, 4 * width);
  const [drop1, drop2] = [dropPath<tf.Tensor4D>(p, dropRate), dropPath<tf.Tensor4D>(p, dropRate)];
  const name = p.path();

  /** Attention in the shifted windows; the map is padded to whole windows and cut again. */
  const inWindows: Layer = (x, context) => {
    const [down, right] = window.shift;
    const shifts = down + right > 0;
    let y = shifts ? roll(x, [-down, -right], [1, 2]) : x;
    const [below, beside] = [padded[0] - size[0], padded[1] - size[1]];
    if (below + beside > 0)
      y = tf.pad(y, [
        [0, 0],
        [0, below],
        [0, beside],
        [0, 0],
      ]);
    y = joinWindows(attention(splitWindows(y, window.size), context), padded, window.size);
    if (below + beside > 0) y = tf.slice(y, [0, 0, 0, 0], [-1, size[0], size[1], -1]);
    return shifts ? roll(y, [down, right], [1, 2]) : y;
  };
  return (x, context) => {
    const y: tf.Tensor4D = tf.add(x, drop1(norm1(inWindows(x, context), context), context));
    const z: tf.Tensor4D = tf.add(y, drop2(norm2(feedForward(y, context), context), context));
    return hook(context, name, z);
  };
}

/** Cosine attention inside windows with a continuous position bias (sections 3.2 and 3.3). */
function windowAttention(
  p: Parameters,
  width: number,
  heads: number,
  size: readonly [number, number],
  window: Window,
): Layer<Tokens> {
  const scale = p.add("logit_scale", [heads, 1, 1], constant(Math.log(10)), { decay: false });
  const hidden = linear<tf.Tensor2D>(p.at("cpb_mlp.0"), 2, 512, { init });
  const toHeads = linear<tf.Tensor2D>(p.at("cpb_mlp.2"), 512, heads, { bias: false, init });
  const qkv = linear<Tokens>(p.at("qkv"), width, 3 * width, { bias: false, init });
  const qBias = p.add("q_bias", [width], zeros);
  const vBias = p.add("v_bias", [width], zeros);
  const proj = linear<Tokens>(p.at("proj"), width, width, { init });
  const tokens = window.size[0] * window.size[1];
  const name = p.path();

  /** [heads, tokens, tokens] */
  const positionBias = (context: Context): tf.Tensor3D => {
    const { coordinates, index } = relativePositions(window.size);
    const byOffset = toHeads(tf.relu(hidden(coordinates, context)), context);
    const byPair = tf.reshape(tf.gather(byOffset, index), [tokens, tokens, heads]);
    return tf.mul(tf.sigmoid(tf.transpose(byPair, [2, 0, 1])), 16);
  };
  return (x, context) => {
    const parts = [qBias.variable, tf.zeros([width]), vBias.variable];
    const bias = tf.concat1d(parts as tf.Tensor1D[]);
    const given = addBias(qkv(x, context), bias);
    context.tally?.(2 * x.size * tokens);
    // The temperature stays above 0.01.
    const sharpness = tf.exp(tf.minimum(scale.variable, Math.log(100)));
    const positions = positionBias(context);
    const shifted = window.shift[0] + window.shift[1] > 0;
    const mask = shifted ? shiftMask(window, size) : undefined;
    if (context.hook === undefined) {
      return proj(cosineAttention(given, sharpness, positions, mask), context);
    }
    const [q, k, v] = splitHeads(given, 3, heads);
    // In single ops, so that the weights have a gradient and can be replaced.
    let scores = tf.add(tf.mul(tf.matMul(unit(q), unit(k), false, true), sharpness), positions);
    if (mask !== undefined) {
      const ofImages = tf.reshape(scores, [-1, mask.shape[0], heads, tokens, tokens]);
      scores = tf.reshape(tf.add(ofImages, mask), scores.shape);
    }
    const weights = hook(context, name, tf.softmax(scores) as tf.Tensor4D);
    return proj(joinHeads(tf.matMul(weights, v)), context);
  };
}

/** Vectors of length 1 along the last dimension. */
function unit(x: tf.Tensor4D): tf.Tensor4D {
  return tf.mul(x, inverseLength(x));
}

// Each stage but the first halves the grid of patches.
const define = variantsOf(build, {
  preprocessing: imageNet,
  size: 256,
  sizes: { multipleOf: 8 * PATCH, fixed: true },
});

/** Swin Transformer V2 (Liu et al. 2022, arXiv:2111.09883). */
export const swinv2: Architecture = {
  swinv2_tiny_window8_256: define(
    { window: 8, width: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24] },
    { hub: "timm/swinv2_tiny_window8_256.ms_in1k" },
  ),
  swinv2_small_window8_256: define(
    { window: 8, width: 96, depths: [2, 2, 18, 2], heads: [3, 6, 12, 24] },
    { hub: "timm/swinv2_small_window8_256.ms_in1k" },
  ),
  test_swinv2: define(
    { window: 4, width: 8, depths: [2, 2], heads: [1, 2] },
    { size: 48, sizes: { multipleOf: 2 * PATCH, fixed: true } },
  ),
};
