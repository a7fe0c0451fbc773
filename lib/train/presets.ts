import type { Tree } from "./merge-settings";

/** Settings that go by a name, in the place of a config file: `--config finetune`. */
export const presets: Readonly<Record<string, Tree>> = {
  /**
   * A small network learns simulated galaxies, whose votes follow from what they were made of, for runs on real ones to start
   * from by `model.weights`: of as many galaxies as `data make synthetic` made. The weights that ship with the package are made so.
   */
  simulated: {
    data: { spec: "synthetic", size: 96, split: [1, 0, 0.02] },
    task: "votes",
    model: { name: "p4m_resnet10_narrow" },
    train: {
      epochs: 6,
      optimizer: { name: "adamw", learningRate: 4e-3, weightDecay: 0.05 },
      schedule: { name: "onecycle" },
      augmentation: {
        ...{ preset: "galaxy", rotation: 180, zoom: 1.4, shift: 0.04, blur: 1, noise: 0.02 },
        ...{ brightness: 0.3, contrast: 0.3, saturation: 0.5, hue: 0.05 },
      },
    },
  },
  /**
   * A small network learns from galaxies without labels, for other runs of `custom_cnn` to start from by `model.weights`:
   * the settings of `results/few-labels.md`.
   */
  pretrain: {
    data: { size: 96 },
    task: "contrastive",
    model: { name: "custom_cnn" },
    train: {
      batchSize: 128,
      epochs: 12,
      optimizer: { name: "adamw", learningRate: 3e-3, weightDecay: 0.05 },
      schedule: { name: "onecycle", risingShare: 0.1 },
      augmentation: {
        ...{ preset: "galaxy", rotation: 180, zoom: 1.5, shift: 0.06, blur: 1, noise: 0.02 },
        ...{ brightness: 0.3, contrast: 0.3, saturation: 0.3 },
      },
    },
  },
  /**
   * A small network that knows no upper side and has learned simulated galaxies learns real ones: the settings of
   * `results/galaxy-zoo.md`. It takes as long with 200 labels as with 20,000.
   */
  finetune: {
    data: { size: 96 },
    model: { name: "p4m_resnet10_narrow", weights: "published" },
    train: {
      epochs: 20,
      imagesPerEpoch: 5000,
      optimizer: { name: "adamw", learningRate: 2e-3, weightDecay: 0.05 },
      schedule: { name: "onecycle" },
      augmentation: { preset: "galaxy", rotation: 180, zoom: 1.2, shift: 0.04, mixup: 0.2 },
      ema: 0.998,
      // A small validation split knows less about which epoch is best than the schedule does.
      monitor: "last",
      validationInterval: 5,
    },
    predict: { testTimeAugmentation: true },
  },
};
