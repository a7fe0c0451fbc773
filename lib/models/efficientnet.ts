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

type Kind = "plain" | "fused" | "inverted";

interface Stage {
  readonly kind: Kind;
  readonly depth: number;
  readonly stride: number;
  /** How much wider a block is inside. */
  readonly expansion: number;
  readonly width: number;
}

interface Shape {
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly features: number;
  /** As the original TensorFlow code: its padding ("same") and its epsilon. */
  readonly original?: boolean;
}

/** EfficientNetV2 (Tan & Le 2021, arXiv:2104.00298). */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const unit = makeUnit(shape);
  const body: Layer[] = [unit(p, "conv_stem", "bn1", 3, shape.stem, 3, { stride: 2 }), silu];
  const parameterGroups: string[][] = [["conv_stem", "bn1"]];
  const featureMaps: string[] = [];
  const count = shape.stages.reduce((sum, { depth }) => sum + depth, 0);
  let width = shape.stem;
  shape.stages.forEach((stage, s) => {
    for (let i = 0; i < stage.depth; i++) {
      const at = p.at("blocks").at(s).at(i);
      const stride = i === 0 ? stage.stride : 1;
      const rate = ((options.dropPath ?? 0) * (parameterGroups.length - 1)) / count;
      body.push(block(at, unit, stage, width, stride, rate));
      featureMaps.push(at.path());
      parameterGroups.push([at.path()]);
      width = stage.width;
    }
  });
  body.push(unit(p, "conv_head", "bn2", width, shape.features, 1), silu);
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
  { kind, expansion, width: to }: Stage,
  from: number,
  stride: number,
  dropRate: number,
): Layer {
  const inside = from * expansion;
  const layers: Record<Kind, () => Layer[]> = {
    plain: () => [unit(p, "conv", "bn1", from, to, 3, { stride }), silu],
    fused: () => [
      unit(p, "conv_exp", "bn1", from, inside, 3, { stride }),
      silu,
      unit(p, "conv_pwl", "bn2", inside, to, 1),
    ],
    inverted: () => [
      unit(p, "conv_pw", "bn1", from, inside, 1),
      silu,
      unit(p, "conv_dw", "bn2", inside, inside, 3, { stride, groups: inside }),
      silu,
      squeezeExcite(
        [p.at("se.conv_reduce"), p.at("se.conv_expand")],
        inside,
        Math.round(from / 4),
        silu,
      ),
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

function stage(kind: Kind, depth: number, stride: number, expansion: number, width: number): Stage {
  return { kind, depth, stride, expansion, width };
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

const defineOriginal = (shape: Shape, own: Variant) =>
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
