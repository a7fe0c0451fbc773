import * as tf from "@tensorflow/tfjs-core";
import { gelu } from "../engine/ops/gelu";
import { type Architecture, type BuildOptions, imageNet, variantsOf } from "./architecture";
import { truncatedNormal } from "./initializers";
import { conv2d, dropPath, dropPathRates, globalAveragePool, layerNorm, sequence } from "./layers";
import { hook, type Layer, type Network } from "./module";
import type { Parameters } from "./parameters";
import { layerScale, mlp } from "./transformer";

interface Shape {
  readonly depths: readonly number[];
  readonly widths: readonly number[];
  /** Whether the layers of its blocks are kept as 1 × 1 convolutions, as timm does in small variants. Default false. */
  readonly convMlp?: boolean;
}

const init = truncatedNormal(0.02);

/** ConvNeXt (Liu et al. 2022, arXiv:2201.03545). */
function build(p: Parameters, options: BuildOptions, { depths, widths, convMlp }: Shape): Network {
  const stem = sequence(
    conv2d(p.at("stem.0"), 3, widths[0], 4, { stride: 4, padding: 0, init }),
    layerNorm<tf.Tensor4D>(p.at("stem.1"), widths[0]),
  );
  const rates = dropPathRates(
    options.dropPath ?? 0,
    depths.reduce((a, b) => a + b),
  );
  const body: Layer[] = [];
  const parameterGroups: string[][] = [["stem"]];
  const featureMaps: string[] = [];
  depths.forEach((depth, stage) => {
    const at = p.at("stages").at(stage);
    const halving = at.at("downsample");
    if (stage > 0) {
      body.push(
        layerNorm(halving.at("0"), widths[stage - 1]),
        conv2d(halving.at("1"), widths[stage - 1], widths[stage], 2, {
          stride: 2,
          padding: 0,
          init,
        }),
      );
    }
    for (let i = 0; i < depth; i++) {
      const blockAt = at.at("blocks").at(i);
      body.push(block(blockAt, widths[stage], rates[parameterGroups.length - 1], convMlp));
      featureMaps.push(blockAt.path());
      parameterGroups.push([blockAt.path(), ...(stage > 0 && i === 0 ? [halving.path()] : [])]);
    }
  });
  const width = widths[widths.length - 1];
  const norm = layerNorm<tf.Tensor2D>(p.at("head.norm"), width);
  return {
    forwardFeatures: sequence(stem, ...body),
    pool: (map: tf.Tensor4D, context) => norm(globalAveragePool(map), context),
    numFeatures: width,
    classifier: {
      scope: "head.fc",
      init,
      dropout: options.dropout ?? 0,
      groupedWith: ["head.norm"],
    },
    parameterGroups,
    featureMaps,
  };
}

/** x + γ · mlp(norm(depthwise 7×7 of x)) */
function block(p: Parameters, width: number, dropRate: number, convMlp = false): Layer {
  const branch = sequence(
    conv2d(p.at("conv_dw"), width, width, 7, { groups: width, init }),
    layerNorm<tf.Tensor4D>(p.at("norm"), width),
    convMlp
      ? sequence(
          conv2d(p.at("mlp.fc1"), width, 4 * width, 1, { init }),
          (x: tf.Tensor4D) => gelu(x),
          conv2d(p.at("mlp.fc2"), 4 * width, width, 1, { init }),
        )
      : mlp<tf.Tensor4D>(p.at("mlp"), width, 4 * width, { init }),
    layerScale<tf.Tensor4D>(p, "gamma", width, 1e-6),
    dropPath<tf.Tensor4D>(p, dropRate),
  );
  const name = p.path();
  return (x, context) => hook(context, name, tf.add(x, branch(x, context)));
}

const define = variantsOf(build, { preprocessing: imageNet, sizes: { atLeast: 32 } });

/** ConvNeXt (Liu et al. 2022, arXiv:2201.03545). */
export const convnext: Architecture = {
  convnext_pico: define(
    { depths: [2, 2, 6, 2], widths: [64, 128, 256, 512], convMlp: true },
    { hub: "timm/convnext_pico.d1_in1k" },
  ),
  convnext_nano: define(
    { depths: [2, 2, 8, 2], widths: [80, 160, 320, 640], convMlp: true },
    { hub: "timm/convnext_nano.in12k_ft_in1k" },
  ),
  convnext_tiny: define(
    { depths: [3, 3, 9, 3], widths: [96, 192, 384, 768] },
    { hub: "timm/convnext_tiny.in12k_ft_in1k" },
  ),
  convnext_small: define(
    { depths: [3, 3, 27, 3], widths: [96, 192, 384, 768] },
    { hub: "timm/convnext_small.in12k_ft_in1k" },
  ),
  convnext_base: define(
    { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024] },
    { hub: "timm/convnext_base.fb_in22k_ft_in1k" },
  ),
  convnext_large: define(
    { depths: [3, 3, 27, 3], widths: [192, 384, 768, 1536] },
    { hub: "timm/convnext_large.fb_in22k_ft_in1k" },
  ),
  test_convnext: define({ depths: [1, 1, 2, 1], widths: [8, 16, 24, 32] }, { size: 64 }),
  test_convnext_nano: define(
    { depths: [1, 1, 2, 1], widths: [8, 16, 24, 32], convMlp: true },
    { size: 64 },
  ),
};
