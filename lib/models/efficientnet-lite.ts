import { type Architecture, symmetric } from "./architecture";
import { defineOriginal, type Shape, stage } from "./efficientnet";

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

/** EfficientNet-Lite (Liu 2020; Tan & Le 2019, arXiv:1905.11946). */
export const efficientnetLite: Architecture = {
  ...Object.fromEntries(lites.map(lite)),
  test_tf_efficientnet_lite: defineOriginal(tinyLite, { size: 32 }),
};
