import * as tf from "@tensorflow/tfjs-core";
import { type Architecture, type BuildOptions, imageNet, variantsOf } from "./architecture";
import { zeros } from "./initializers";
import {
  batchNorm,
  conv2d,
  dropPath,
  dropPathRates,
  globalAveragePool,
  maxPool,
  relu,
  sequence,
} from "./layers";
import { hook, type Layer, type Network } from "./module";
import type { Parameters } from "./parameters";

interface Shape {
  readonly block: "basic" | "bottleneck";
  readonly depths: readonly number[];
  readonly channels: readonly number[];
  /** Channels of the first convolution. Default: 64. */
  readonly stem?: number;
}

/** Residual network (He et al. 2016, arXiv:1512.03385); the stride sits in the 3×3 convolution. */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const expansion = shape.block === "basic" ? 1 : 4;
  const makeBlock = shape.block === "basic" ? basicBlock : bottleneck;
  const { stem: first = 64 } = shape;
  const conv = conv2d(p.at("conv1"), 3, first, 7, { stride: 2, bias: false });
  const norm = batchNorm(p.at("bn1"), first);
  const rates = dropPathRates(
    options.dropPath ?? 0,
    shape.depths.reduce((a, b) => a + b),
  );

  const blocks: Layer[] = [];
  const names: string[] = [];
  let width = first;
  shape.depths.forEach((depth, stage) => {
    for (let i = 0; i < depth; i++) {
      const at = p.at(`layer${stage + 1}`).at(i);
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const to = shape.channels[stage];
      blocks.push(residual(at, makeBlock, width, to, to * expansion, stride, rates[blocks.length]));
      names.push(at.path());
      width = to * expansion;
    }
  });

  return {
    forwardFeatures(images, context) {
      const stem = tf.relu(norm(conv(images, context), context));
      return sequence(...blocks)(maxPool(stem, 3, 2, 1), context);
    },
    pool: globalAveragePool,
    numFeatures: width,
    classifier: { scope: "fc", dropout: options.dropout ?? 0 },
    parameterGroups: [["conv1", "bn1"], ...names.map((name) => [name])],
    featureMaps: names,
  };
}

type Branch = (p: Parameters, from: number, width: number, stride: number) => Layer;

/** relu(branch(x) + shortcut(x)) */
function residual(
  p: Parameters,
  branch: Branch,
  from: number,
  width: number,
  to: number,
  stride: number,
  dropRate: number,
): Layer {
  const body = branch(p, from, width, stride);
  const drop = dropPath<tf.Tensor4D>(p, dropRate);
  const shortcut =
    stride === 1 && from === to
      ? undefined
      : sequence(
          conv2d(p.at("downsample.0"), from, to, 1, { stride, bias: false }),
          batchNorm(p.at("downsample.1"), to),
        );
  const name = p.path();
  return (x, context) => {
    const identity = shortcut === undefined ? x : shortcut(x, context);
    const y: tf.Tensor4D = tf.relu(tf.add(drop(body(x, context), context), identity));
    return hook(context, name, y);
  };
}

const basicBlock: Branch = (p, from, width, stride) =>
  sequence(
    conv2d(p.at("conv1"), from, width, 3, { stride, bias: false }),
    batchNorm(p.at("bn1"), width),
    relu,
    conv2d(p.at("conv2"), width, width, 3, { bias: false }),
    // Zero makes every block the identity at first (Goyal et al. 2017, arXiv:1706.02677).
    batchNorm(p.at("bn2"), width, { scale: zeros }),
  );

const bottleneck: Branch = (p, from, width, stride) =>
  sequence(
    conv2d(p.at("conv1"), from, width, 1, { bias: false }),
    batchNorm(p.at("bn1"), width),
    relu,
    conv2d(p.at("conv2"), width, width, 3, { stride, bias: false }),
    batchNorm(p.at("bn2"), width),
    relu,
    conv2d(p.at("conv3"), width, 4 * width, 1, { bias: false }),
    batchNorm(p.at("bn3"), 4 * width, { scale: zeros }),
  );

const define = variantsOf(build, { preprocessing: imageNet, sizes: { atLeast: 32 } });

const channels = [64, 128, 256, 512];
const tiny = [8, 16, 24, 32];
// As deep as the published ones: for small images on a computer without a GPU.
const quarter = { channels: channels.map((n) => n / 4), stem: 16 };

/** Residual networks (He et al. 2016, arXiv:1512.03385). */
export const resnet: Architecture = {
  resnet18: define(
    { block: "basic", depths: [2, 2, 2, 2], channels },
    { hub: "timm/resnet18.a1_in1k" },
  ),
  resnet26: define(
    { block: "bottleneck", depths: [2, 2, 2, 2], channels },
    { hub: "timm/resnet26.bt_in1k" },
  ),
  resnet50: define(
    { block: "bottleneck", depths: [3, 4, 6, 3], channels },
    { hub: "timm/resnet50.a1_in1k" },
  ),
  resnet101: define(
    { block: "bottleneck", depths: [3, 4, 23, 3], channels },
    { hub: "timm/resnet101.a1_in1k" },
  ),
  resnet18_quarter: define({ block: "basic", depths: [2, 2, 2, 2], ...quarter }, { size: 48 }),
  resnet26_quarter: define({ block: "bottleneck", depths: [2, 2, 2, 2], ...quarter }, { size: 48 }),
  resnet50_quarter: define({ block: "bottleneck", depths: [3, 4, 6, 3], ...quarter }, { size: 48 }),
  test_resnet18: define({ block: "basic", depths: [1, 1, 1, 1], channels: tiny }, { size: 64 }),
  test_resnet50: define(
    { block: "bottleneck", depths: [1, 2, 1, 1], channels: tiny },
    { size: 64 },
  ),
};
