import * as tf from "@tensorflow/tfjs-core";
import { type Architecture, type BuildOptions, imageNet, variantsOf } from "./architecture";
import { truncatedNormal } from "./initializers";
import { batchNorm, conv2d, dropout, globalAveragePool, relu, sequence } from "./layers";
import { hook, type Layer, type Network } from "./module";
import type { Parameters } from "./parameters";

interface Shape {
  /** Convolutions of each stage. */
  readonly depths: readonly number[];
  readonly widths: readonly number[];
  readonly norm: boolean;
  /** Width of the first of the two wide layers. */
  readonly hidden: number;
  /** Width of the second. Default: 4096. */
  readonly wide?: number;
}

/** Side of the feature map that the two wide layers want. */
const SIDE = 7;

/** VGG (Simonyan & Zisserman 2014, arXiv:1409.1556), its first two wide layers as convolutions. */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const body: Layer[] = [];
  const parameterGroups: string[][] = [];
  const featureMaps: string[] = [];
  // Modules are numbered through, those without parameters too.
  let index = 0;
  let width = 3;
  shape.depths.forEach((depth, stage) => {
    for (let i = 0; i < depth; i++) {
      const names = [p.at("features").at(index++)];
      body.push(conv2d(names[0], width, shape.widths[stage], 3));
      width = shape.widths[stage];
      if (shape.norm) {
        names.push(p.at("features").at(index++));
        body.push(batchNorm(names[1], width));
      }
      body.push(relu);
      index++;
      // As in timm, a batch norm is a layer of its own.
      parameterGroups.push(...names.map((name) => [name.path()]));
    }
    const name = p.at("features").path(String(index - 1));
    featureMaps.push(name);
    body.push((x, context) => tf.maxPool(hook(context, name, x), 2, 2, "valid"));
    index++;
  });
  const rate = options.dropout ?? 0;
  const { wide: numFeatures = 4096 } = shape;
  const wide = sequence(
    conv2d(p.at("pre_logits.fc1"), width, shape.hidden, SIDE, { padding: 0 }),
    relu,
    dropout(p, rate),
    conv2d(p.at("pre_logits.fc2"), shape.hidden, numFeatures, 1),
    relu,
  );
  return {
    forwardFeatures: sequence(...body),
    pool: (map: tf.Tensor4D, context) => globalAveragePool(wide(atLeast(map, SIDE), context)),
    numFeatures,
    classifier: {
      scope: "head.fc",
      init: truncatedNormal(0.01),
      dropout: rate,
      groupedWith: ["pre_logits"],
    },
    parameterGroups,
    featureMaps,
  };
}

/** Stretch a smaller feature map to this side, as PyTorch's adaptive average pooling does. */
function atLeast(x: tf.Tensor4D, side: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (height >= side && width >= side) return x;
  const [toHeight, toWidth] = [Math.max(height, side), Math.max(width, side)];
  const rows = tf.matMul(adaptive(height, toHeight), tf.reshape(x, [batch, height, -1]));
  const turned = tf.transpose(tf.reshape(rows, [batch, toHeight, width, channels]), [0, 2, 1, 3]);
  const both = tf.matMul(adaptive(width, toWidth), tf.reshape(turned, [batch, width, -1]));
  return tf.transpose(tf.reshape(both, [batch, toWidth, toHeight, channels]), [0, 2, 1, 3]);
}

/** [1, to, from]: output i is the mean of the inputs ⌊i·from/to⌋ … ⌈(i+1)·from/to⌉ − 1. */
function adaptive(from: number, to: number): tf.Tensor3D {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const first = Math.floor((i * from) / to);
    const end = Math.ceil(((i + 1) * from) / to);
    weights.fill(1 / (end - first), i * from + first, i * from + end);
  }
  return tf.tensor3d(weights, [1, to, from]);
}

const define = variantsOf(build, {
  preprocessing: { ...imageNet, interpolation: "bilinear" },
  sizes: { atLeast: 32 },
});

const full = { widths: [64, 128, 256, 512, 512], hidden: 4096 };
// As deep as the published ones: for small images on a computer without a GPU.
const quarter = { widths: full.widths.map((n) => n / 4), hidden: 1024, wide: 1024 };
const tiny = { depths: [1, 1, 2], widths: [4, 6, 8], norm: true, hidden: 8 };

/** VGG (Simonyan & Zisserman 2014, arXiv:1409.1556). */
export const vgg: Architecture = {
  vgg16: define({ ...full, depths: [2, 2, 3, 3, 3], norm: false }, { hub: "timm/vgg16.tv_in1k" }),
  vgg16_bn: define(
    { ...full, depths: [2, 2, 3, 3, 3], norm: true },
    { hub: "timm/vgg16_bn.tv_in1k" },
  ),
  vgg19: define({ ...full, depths: [2, 2, 4, 4, 4], norm: false }, { hub: "timm/vgg19.tv_in1k" }),
  vgg16_bn_quarter: define({ ...quarter, depths: [2, 2, 3, 3, 3], norm: true }, { size: 48 }),
  vgg19_bn_quarter: define({ ...quarter, depths: [2, 2, 4, 4, 4], norm: true }, { size: 48 }),
  test_vgg: define(tiny, { size: 40 }),
};
