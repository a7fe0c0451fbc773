import * as tf from "@tensorflow/tfjs-core";
import { type Architecture, type BuildOptions, imageNet, variantsOf } from "./architecture";
import { kaimingNormal, truncatedNormal, zeros } from "./initializers";
import {
  convNorm,
  dropPath,
  dropPathRates,
  globalAveragePool,
  relu,
  sequence,
  squeezeExcite,
} from "./layers";
import { hook, type Layer, type Network } from "./module";
import type { Parameters } from "./parameters";

interface Shape {
  readonly stem: number;
  readonly depths: readonly number[];
  readonly widths: readonly number[];
  /** Channels of one group of the 3×3 convolutions. */
  readonly group: number;
}

/** RegNetY (Radosavovic et al. 2020, arXiv:2003.13678). */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const init = kaimingNormal("fanOut");
  const body: Layer[] = [convNorm(p.at("stem"), 3, shape.stem, 3, { stride: 2, init }), relu];
  const parameterGroups: string[][] = [["stem"]];
  const featureMaps: string[] = [];
  const rates = dropPathRates(
    options.dropPath ?? 0,
    shape.depths.reduce((a, b) => a + b),
  );
  let width = shape.stem;
  shape.depths.forEach((depth, stage) => {
    for (let i = 0; i < depth; i++) {
      const at = p.at(`s${stage + 1}`).at(`b${i + 1}`);
      const to = shape.widths[stage];
      body.push(
        block(at, width, to, shape.group, i === 0 ? 2 : 1, rates[parameterGroups.length - 1]),
      );
      featureMaps.push(at.path());
      parameterGroups.push([at.path()]);
      width = to;
    }
  });
  return {
    forwardFeatures: sequence(...body),
    pool: globalAveragePool,
    numFeatures: width,
    classifier: {
      scope: "head.fc",
      init: truncatedNormal(0.01),
      dropout: options.dropout ?? 0,
    },
    parameterGroups,
    featureMaps,
  };
}

/** A bottleneck without narrowing: 1×1, grouped 3×3, squeeze-and-excitation, 1×1. */
function block(
  p: Parameters,
  from: number,
  to: number,
  group: number,
  stride: number,
  dropRate: number,
): Layer {
  const groups = to / group;
  const init = kaimingNormal("fanOut");
  const branch = sequence(
    convNorm(p.at("conv1"), from, to, 1, { init }),
    relu,
    convNorm(p.at("conv2"), to, to, 3, {
      stride,
      groups,
      init: kaimingNormal("fanOut", Math.SQRT2, groups),
    }),
    relu,
    squeezeExcite([p.at("se.fc1"), p.at("se.fc2")], to, Math.round(from / 4), relu),
    convNorm(p.at("conv3"), to, to, 1, { init, scale: zeros }),
    dropPath(p, dropRate),
  );
  const shortcut =
    from === to && stride === 1
      ? undefined
      : convNorm(p.at("downsample"), from, to, 1, { stride, init });
  const name = p.path();
  return (x, context) => {
    const identity = shortcut === undefined ? x : shortcut(x, context);
    const y: tf.Tensor4D = tf.relu(tf.add(branch(x, context), identity));
    return hook(context, name, y);
  };
}

const define = variantsOf(build, { preprocessing: imageNet, sizes: { atLeast: 32 } });

/** RegNetY (Radosavovic et al. 2020, arXiv:2003.13678). */
export const regnet: Architecture = {
  regnety_080: define(
    { stem: 32, depths: [2, 4, 10, 1], widths: [168, 448, 896, 2016], group: 56 },
    { hub: "timm/regnety_080.ra3_in1k" },
  ),
  test_regnet: define(
    { stem: 32, depths: [1, 1, 1, 2], widths: [16, 24, 32, 40], group: 8 },
    { size: 64 },
  ),
};
