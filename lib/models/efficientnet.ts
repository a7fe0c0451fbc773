import * as tf from "@tensorflow/tfjs-core";
import { relu6 } from "../engine/ops/relu6";
import { silu } from "../engine/ops/silu";
import {
  type Architecture,
  type BuildOptions,
  imageNet,
  symmetric,
  type Variant,
  variantsOf,
} from "./architecture";
import { kaimingNormal } from "./initializers";
import {
  batchNorm,
  type ConvOptions,
  conv2d,
  dropPath,
  globalAveragePool,
  sequence,
  squeezeExcite,
} from "./layers";
import { hook, type Layer, type Network } from "./module";
import { type Parameters, withLast } from "./parameters";

type Kind = "plain" | "fused" | "separable" | "inverted";

interface Stage {
  readonly kind: Kind;
  readonly depth: number;
  readonly stride: number;
  /** How much wider a block is inside. */
  readonly expansion: number;
  readonly width: number;
  /** Side of the filters, pixels. */
  readonly kernel: number;
}

/** What tells one network of the family from another. */
export interface Shape {
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly features: number;
  /** As the original TensorFlow code: its padding ("same") and its epsilon. */
  readonly original?: boolean;
  /** For phones: ReLU6 in the place of SiLU, and no squeeze-and-excitation. */
  readonly lite?: boolean;
}

/** min(max(x, 0), 6). In predictions it becomes a part of the convolution before it. */
const activationOfLite: Layer = (x, { training }) => (training ? relu6(x) : tf.relu6(x));

/** EfficientNetV2 (Tan & Le 2021, arXiv:2104.00298), EfficientNet-Lite. */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const unit = makeUnit(shape);
  const activation = shape.lite ? activationOfLite : silu;
  const body: Layer[] = [unit(p, "conv_stem", "bn1", 3, shape.stem, 3, { stride: 2 }), activation];
  const parameterGroups: string[][] = [["conv_stem", "bn1"]];
  const featureMaps: string[] = [];
  const count = shape.stages.reduce((sum, { depth }) => sum + depth, 0);
  let width = shape.stem;
  shape.stages.forEach((stage, s) => {
    for (let i = 0; i < stage.depth; i++) {
      const at = p.at("blocks").at(s).at(i);
      const stride = i === 0 ? stage.stride : 1;
      const rate = ((options.dropPath ?? 0) * (parameterGroups.length - 1)) / count;
      body.push(block(at, unit, shape, stage, width, stride, rate));
      featureMaps.push(at.path());
      parameterGroups.push([at.path()]);
      width = stage.width;
    }
  });
  body.push(unit(p, "conv_head", "bn2", width, shape.features, 1), activation);
  return {
    forwardFeatures: sequence(...body),
    pool: globalAveragePool,
    numFeatures: shape.features,
    classifier: { scope: "classifier", dropout: options.dropout ?? 0 },
    parameterGroups: withLast(parameterGroups, "conv_head", "bn2"),
    featureMaps,
  };
}

type Unit = (
  p: Parameters,
  conv: string,
  norm: string,
  from: number,
  to: number,
  kernel: number,
  options?: ConvOptions,
) => Layer;

/** A convolution and its batch norm, under timm's names for the two. */
function makeUnit({ original = false }: Shape): Unit {
  return (p, conv, norm, from, to, kernel, options = {}) => {
    const init = kaimingNormal("fanOut", Math.SQRT2, options.groups);
    const padding = original ? "same" : undefined;
    return sequence(
      conv2d(p.at(conv), from, to, kernel, { bias: false, init, padding, ...options }),
      batchNorm(p.at(norm), to, { epsilon: original ? 1e-3 : 1e-5 }),
    );
  };
}

function block(
  p: Parameters,
  unit: Unit,
  { lite }: Shape,
  { kind, expansion, width: to, kernel }: Stage,
  from: number,
  stride: number,
  dropRate: number,
): Layer {
  const inside = from * expansion;
  const activation = lite ? activationOfLite : silu;
  const squeeze = () =>
    squeezeExcite(
      [p.at("se.conv_reduce"), p.at("se.conv_expand")],
      inside,
      Math.round(from / 4),
      silu,
    );
  const layers: Record<Kind, () => Layer[]> = {
    plain: () => [unit(p, "conv", "bn1", from, to, kernel, { stride }), activation],
    fused: () => [
      unit(p, "conv_exp", "bn1", from, inside, kernel, { stride }),
      activation,
      unit(p, "conv_pwl", "bn2", inside, to, 1),
    ],
    separable: () => [
      unit(p, "conv_dw", "bn1", from, from, kernel, { stride, groups: from }),
      activation,
      unit(p, "conv_pw", "bn2", from, to, 1),
    ],
    inverted: () => [
      unit(p, "conv_pw", "bn1", from, inside, 1),
      activation,
      unit(p, "conv_dw", "bn2", inside, inside, kernel, { stride, groups: inside }),
      activation,
      ...(lite ? [] : [squeeze()]),
      unit(p, "conv_pwl", "bn3", inside, to, 1),
    ],
  };
  const branch = sequence(...layers[kind](), dropPath(p, dropRate));
  const skip = from === to && stride === 1;
  const name = p.path();
  return (x, context) => {
    const y = branch(x, context);
    return hook(context, name, skip ? tf.add(x, y) : y);
  };
}

/** A stage whose filters are of `kernel` pixels, 3 by default. */
export function stage(
  kind: Kind,
  depth: number,
  stride: number,
  expansion: number,
  width: number,
  kernel = 3,
): Stage {
  return { kind, depth, stride, expansion, width, kernel };
}

const small: Shape = {
  stem: 24,
  stages: [
    stage("plain", 2, 1, 1, 24),
    stage("fused", 4, 2, 4, 48),
    stage("fused", 4, 2, 4, 64),
    stage("inverted", 6, 2, 4, 128),
    stage("inverted", 9, 1, 6, 160),
    stage("inverted", 15, 2, 6, 256),
  ],
  features: 1280,
};

const tiny: Shape = {
  stem: 24,
  stages: [
    stage("plain", 1, 1, 1, 24),
    stage("fused", 2, 2, 2, 16),
    stage("inverted", 2, 2, 2, 24),
  ],
  features: 32,
};

const define = variantsOf(build, { preprocessing: imageNet, sizes: { atLeast: 32 } });

/** As the original TensorFlow code has it. */
export const defineOriginal = (shape: Shape, own: Variant) =>
  define({ ...shape, original: true }, { preprocessing: symmetric, ...own });

/** EfficientNetV2 (Tan & Le 2021, arXiv:2104.00298). */
export const efficientnet: Architecture = {
  efficientnetv2_s: define(small, { size: 288 }),
  tf_efficientnetv2_s: defineOriginal(small, {
    size: 300,
    hub: "timm/tf_efficientnetv2_s.in21k_ft_in1k",
  }),
  test_efficientnet: define(tiny, { size: 32 }),
  test_tf_efficientnet: defineOriginal(tiny, { size: 32 }),
};
