import * as tf from "@tensorflow/tfjs-core";
import { type Architecture, type BuildOptions, symmetric } from "./architecture";
import { constant } from "./initialisers";
import { batchNorm, conv2d, dropout, globalAveragePool, linear, sequence } from "./layers";
import { capture, type Layer, type Network, type Parameters } from "./module";

/**
 * A small residual network for galaxies of 64–128 pixels, meant to learn fast on two CPU cores:
 * 1.2 M parameters, 0.12 GFLOP multiply-adds at 96². Two stem convolutions at half resolution, then
 * one basic block (He et al. 2016, arXiv:1512.03385) at each halving, so that most arithmetic
 * falls where channels are many and pixels few.
 */
function build(p: Parameters, options: BuildOptions, widths: readonly number[]): Network {
  const [stemWidth, ...blockWidths] = widths;
  const stem = sequence(
    convNormRelu(p.at("stem.0"), 3, stemWidth, 2),
    convNormRelu(p.at("stem.1"), stemWidth, stemWidth, 1),
  );
  const blocks = blockWidths.map((width, i) => block(p.at("blocks").at(i), widths[i], width));
  const features = widths[widths.length - 1];
  const drop = dropout<tf.Tensor2D>(p, options.dropout ?? 0);
  const fc = linear<tf.Tensor2D>(p.at("fc"), features, options.classes);
  return {
    features: (images, context) => globalAveragePool(sequence(stem, ...blocks)(images, context)),
    classify: sequence(drop, fc),
    layers: [["stem"], ...blocks.map((_, i) => [`blocks.${i}`]), ["fc"]],
  };
}

function convNormRelu(p: Parameters, from: number, to: number, stride: number): Layer {
  const conv = conv2d(p.at("conv"), from, to, 3, { stride, bias: false });
  const norm = batchNorm(p.at("bn"), to);
  return (x, context) => tf.relu(norm(conv(x, context), context));
}

function block(p: Parameters, from: number, to: number): Layer {
  const first = convNormRelu(p.at("0"), from, to, 2);
  const second = conv2d(p.at("1.conv"), to, to, 3, { bias: false });
  // Starting at 0 makes every block the identity at first, which speeds the first epochs.
  const norm = batchNorm(p.at("1.bn"), to, { scale: constant(0) });
  const shortcut = conv2d(p.at("shortcut.conv"), from, to, 1, { bias: false });
  const shortcutNorm = batchNorm(p.at("shortcut.bn"), to);
  const name = p.path();
  return (x, context) => {
    const residual = norm(second(first(x, context), context), context);
    const halved = tf.avgPool(x, 2, 2, "same");
    const identity = shortcutNorm(shortcut(halved, context), context);
    return capture(context, name, tf.relu(tf.add(residual, identity)));
  };
}

export const customCnn: Architecture = {
  custom_cnn: {
    inputSize: [96, 96],
    preprocessing: { ...symmetric, interpolation: "bilinear" },
    sizes: { multipleOf: 16 },
    build: (p, options) => build(p, options, [32, 64, 128, 256]),
  },
  test_custom_cnn: {
    inputSize: [32, 32],
    preprocessing: { ...symmetric, interpolation: "bilinear" },
    sizes: { multipleOf: 16 },
    build: (p, options) => build(p, options, [8, 12, 16, 24]),
  },
};
