import * as tf from "@tensorflow/tfjs-core";
import { type Architecture, type BuildOptions, symmetric, variantsOf } from "./architecture";
import { groupBatchNorm, groupConv2d, ORIENTATIONS } from "./group-convolution";
import { zeros } from "./initializers";
import { dropPath, dropPathRates, globalAveragePool, relu, sequence } from "./layers";
import { hook, type Layer, type Network } from "./module";
import type { Parameters } from "./parameters";

interface Shape {
  /** Blocks of each stage; the first block of each halves height and width. */
  readonly depths: readonly number[];
  /** Channels of each stage in each of the eight orientations. */
  readonly widths: readonly number[];
}

/**
 * A residual network that knows that a galaxy has no upper side: whatever the image's orientation,
 * the same features, exact to rounding (group convolutions, Cohen & Welling 2016, arXiv:1602.07576;
 * for galaxies Dieleman et al. 2015, arXiv:1503.07077, Scaife & Porter 2021, arXiv:2102.08252, Pandya
 * et al. 2023, arXiv:2311.01500). Height and width halve by kernels of 4 × 4 and by means of 2 × 2,
 * which lie the same way in a mirrored image; kernels of 3 × 3 and a stride of 2 do not.
 */
function build(p: Parameters, options: BuildOptions, { depths, widths }: Shape): Network {
  const stem = sequence(
    groupConv2d(p.at("stem.conv"), 3, widths[0], 4, { stride: 2, lifting: true }),
    groupBatchNorm(p.at("stem.bn"), widths[0]),
    relu,
  );
  const total = depths.reduce((a, b) => a + b);
  const rates = dropPathRates(options.dropPath ?? 0, total);
  const blocks: Layer[] = [];
  const names: string[] = [];
  let width = widths[0];
  depths.forEach((depth, stage) => {
    for (let i = 0; i < depth; i++) {
      const at = p.at(`layer${stage + 1}`).at(i);
      blocks.push(block(at, width, widths[stage], i === 0, rates[blocks.length]));
      names.push(at.path());
      width = widths[stage];
    }
  });
  return {
    forwardFeatures: sequence(stem, ...blocks),
    pool(features) {
      const pooled = globalAveragePool(features as tf.Tensor4D);
      // The mean over orientations: a turned image permutes them.
      return tf.mean(tf.reshape(pooled, [-1, ORIENTATIONS, width]), 1);
    },
    numFeatures: width,
    classifier: { scope: "fc", dropout: options.dropout ?? 0 },
    parameterGroups: [["stem"], ...names.map((name) => [name])],
    featureMaps: names,
    isInvariant: true,
  };
}

function block(p: Parameters, from: number, to: number, halve: boolean, dropRate: number): Layer {
  const branch = sequence(
    groupConv2d(p.at("conv1"), from, to, halve ? 4 : 3, { stride: halve ? 2 : 1 }),
    groupBatchNorm(p.at("bn1"), to),
    relu,
    groupConv2d(p.at("conv2"), to, to, 3),
    // Zero makes every block the identity at first (Goyal et al. 2017, arXiv:1706.02677).
    groupBatchNorm(p.at("bn2"), to, { scale: zeros }),
  );
  const drop = dropPath<tf.Tensor4D>(p, dropRate);
  const shortcut =
    halve || from !== to
      ? sequence(
          groupConv2d(p.at("downsample.0"), from, to, 1),
          groupBatchNorm(p.at("downsample.1"), to),
        )
      : undefined;
  const name = p.path();
  return (x, context) => {
    const small = halve ? tf.avgPool<tf.Tensor4D>(x, 2, 2, "valid") : x;
    const identity = shortcut === undefined ? small : shortcut(small, context);
    const y: tf.Tensor4D = tf.relu(tf.add(drop(branch(x, context), context), identity));
    return hook(context, name, y);
  };
}

const define = variantsOf(build, {
  preprocessing: { ...symmetric, interpolation: "bilinear" },
  sizes: { multipleOf: 32 },
});

/**
 * Residual networks that are equivariant under the eight symmetries of the square. `p4m_resnet10` has
 * as many parameters as `custom_cnn`, `p4m_resnet10_narrow` as many multiply-adds; `p4m_resnet18` has
 * as many parameters as `resnet18`.
 */
export const p4mResnet: Architecture = {
  p4m_resnet10: define({ depths: [1, 1, 1, 1], widths: [10, 20, 40, 80] }, { size: 96 }),
  p4m_resnet10_narrow: define(
    { depths: [1, 1, 1, 1], widths: [6, 12, 24, 48] },
    { size: 96, shipped: true },
  ),
  p4m_resnet18: define({ depths: [2, 2, 2, 2], widths: [22, 44, 88, 176] }),
  test_p4m_resnet10: define({ depths: [1, 1, 1, 1], widths: [2, 3, 4, 5] }, { size: 32 }),
};
