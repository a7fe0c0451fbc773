import type { Tree } from "./merge-settings";

/** Settings that go by a name, in the place of a config file: `--config finetune`. */
export const presets: Readonly<Record<string, Tree>> = {
  /**
   * A small network that has learned ImageNet learns galaxies: first its classifier alone, then all of it,
   * lower layers more slowly. For some hundred labels and for some ten thousand.
   */
  finetune: {
    data: { size: 128 },
    model: {
      name: "tf_efficientnet_lite0",
      weights: "published",
      dropout: 0.3,
      dropPath: 0.1,
    },
    train: {
      batchSize: 32,
      stages: [
        { epochs: 2, freeze: "backbone", learningRate: 3e-3 },
        { epochs: 18, learningRate: 1e-3 },
      ],
      optimizer: { name: "adamw", weightDecay: 0.05, layerDecay: 0.85 },
      schedule: { name: "onecycle" },
      augmentation: { preset: "galaxy", rotation: 180, zoom: 1.2, shift: 0.04 },
      ema: 0.99,
      validationInterval: 3,
    },
    predict: { testTimeAugmentation: true },
  },
};
