import * as tf from "@tensorflow/tfjs-core";
import { silu } from "../engine/ops/silu";
import {
  type Architecture,
  type BuildOptions,
  imageNet,
  symmetric,
  type Variant,
  variantsOf,
} from "./architecture";
import { type Initializer, kaimingNormal } from "./initializers";
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

interface Shape {
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly features: number;
  /** As the original TensorFlow code: its padding ("same") and its epsilon. */
  readonly original?: boolean;
  /** For phones: ReLU6 in the place of SiLU, and no squeeze-and-excitation. */
  readonly lite?: boolean;
}

/** min(max(x, 0), 6) */
const relu6: Layer = (x) => tf.relu6(x);

/** EfficientNetV2 (Tan & Le 2021, arXiv:2104.00298), EfficientNet-Lite. */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const unit = makeUnit(shape);
  const activation = shape.lite ? relu6 : silu;
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
    classifier: { scope: "classifier", init: fanOutUniform, dropout: options.dropout ?? 0 },
    parameterGroups: withLast(parameterGroups, "conv_head", "bn2"),
    featureMaps,
  };
}

const fanOutUniform: Initializer = ({ fanOut, size }, random) => {
  const bound = 1 / Math.sqrt(fanOut);
  return Float32Array.from({ length: size }, () => random.uniform(-bound, bound));
};

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
  const activation = lite ? relu6 : silu;
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

function stage(
  kind: Kind,
  depth: number,
  stride: number,
  expansion: number,
  width: number,
  kernel = 3,
): Stage {
  return { kind, depth, stride, expansion, width, kernel };
}

/** EfficientNet-Lite, all but its stem, head, first and last stage made wider and deeper. */
function liteShape(wider: number, deeper: number): Shape {
  // To a multiple of 8, but not below nine tenths.
  const width = (channels: number) => {
    const near = Math.max(8, Math.floor((channels * wider + 4) / 8) * 8);
    return near < 0.9 * channels * wider ? near + 8 : near;
  };
  const middle = (depth: number, stride: number, channels: number, kernel: number) =>
    stage("inverted", Math.ceil(depth * deeper), stride, 6, width(channels), kernel);
  return {
    stem: 32,
    stages: [
      stage("separable", 1, 1, 1, width(16)),
      middle(2, 2, 24, 3),
      middle(2, 2, 40, 5),
      middle(3, 2, 80, 3),
      middle(3, 1, 112, 5),
      middle(4, 2, 192, 5),
      stage("inverted", 1, 1, 6, width(320)),
    ],
    features: 1280,
    lite: true,
  };
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

const tinyLite: Shape = {
  stem: 16,
  stages: [
    stage("separable", 1, 1, 1, 8),
    stage("inverted", 2, 2, 3, 16, 5),
    stage("inverted", 1, 1, 3, 24),
  ],
  features: 32,
  lite: true,
};

const defineOriginal = (shape: Shape, own: Variant) =>
  define({ ...shape, original: true }, { preprocessing: symmetric, ...own });

/** From lite0 on: how many times wider and deeper, and the side of its images, pixels. */
const lites = [
  [1, 1, 224],
  [1, 1.1, 240],
  [1.1, 1.2, 260],
  [1.2, 1.4, 300],
  [1.4, 1.8, 380],
] as const;

function lite([wider, deeper, size]: (typeof lites)[number], i: number) {
  const name = `tf_efficientnet_lite${i}`;
  const hub = `timm/${name}.in1k`;
  // The two largest were published with another way of resizing.
  const own = i < 3 ? {} : { preprocessing: { ...symmetric, interpolation: "bilinear" as const } };
  return [name, defineOriginal(liteShape(wider, deeper), { size, hub, ...own })] as const;
}

/**
 * EfficientNetV2 (Tan & Le 2021, arXiv:2104.00298) and EfficientNet-Lite (Liu 2020; Tan & Le 2019,
 * arXiv:1905.11946).
 */
export const efficientnet: Architecture = {
  efficientnetv2_s: define(small, { size: 288 }),
  tf_efficientnetv2_s: defineOriginal(small, {
    size: 300,
    hub: "timm/tf_efficientnetv2_s.in21k_ft_in1k",
  }),
  ...Object.fromEntries(lites.map(lite)),
  test_tf_efficientnet_lite: defineOriginal(tinyLite, { size: 32 }),
  test_efficientnet: define(tiny, { size: 32 }),
  test_tf_efficientnet: defineOriginal(tiny, { size: 32 }),
};
