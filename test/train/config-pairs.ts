import type { TaskDefinition } from "#lib/tasks/registry";
import { mergeSettings, type Tree } from "#lib/train/merge-settings";
import { fractions } from "../tasks/outside-task";

/** Settings of two runs that differ in one key. */
export interface Pair {
  readonly without?: Tree;
  readonly with: Tree;
}

const train = (settings: Tree): Tree => ({ train: settings });
const optimizer = (settings: Tree) => train({ optimizer: settings });
const schedule = (settings: Tree) => train({ schedule: settings });
const loss = (settings: Tree) => train({ loss: settings });
/** Settings of a run that learns votes for an epoch. */
const votes = (settings: Tree, more: Tree = {}): Tree =>
  mergeSettings({ task: "votes", ...settings, train: { epochs: 1 } }, more);
/** A task whose epochs score what stands here, whatever the network has learned. */
export const scripted: TaskDefinition = {
  ...fractions,
  name: "scripted",
  fromDataset(...given) {
    const scores = { loss: [4, 2, 3, 1], meanAbsoluteError: [1, 2, 3, 4] };
    let epoch = 0;
    const monitored = () => {
      const [loss, meanAbsoluteError] = Object.values(scores).map((values) => values[epoch]);
      epoch++;
      return { loss, meanAbsoluteError };
    };
    return { ...fractions.fromDataset(...given), monitored };
  },
};
const stages = (...list: Tree[]) => train({ stages: list, epochs: undefined });
/** A network without running statistics, which stays as it is at a rate this small. */
const still = (settings: Tree) => ({
  model: { name: "test_vit" },
  train: { epochs: 3, optimizer: { name: "sgd", learningRate: 1e-30 }, ...settings },
});

/**
 * For each key of a config the settings of two runs that come out differently.
 *
 * @param at A path in the folder of the data.
 * @param uri Address of a server that refuses everything.
 */
export function configPairs(
  at: (...names: string[]) => string,
  uri: string,
): Readonly<Record<string, Pair>> {
  const voted = { spec: at("votes", "votes.csv"), tree: at("votes", "tree.yaml") };
  const scores = (settings: Tree) =>
    votes({ data: voted, task: "scripted" }, train({ epochs: 4, ...settings }));
  return {
    "data.spec": { with: { data: { spec: at("others") } } },
    "data.size": { with: { data: { size: 48 } } },
    "data.crop": { with: { data: { crop: 20 } } },
    "data.split": { with: { data: { split: [0.5, 0.25, 0.25] } } },
    "data.splitSeed": { with: { data: { splitSeed: 1 } } },
    "data.fraction": { with: { data: { fraction: 0.5 } } },
    "data.balance": { with: { data: { balance: "undersample" } } },
    "data.skipBad": {
      without: { data: { spec: at("damaged") } },
      with: { data: { spec: at("damaged"), skipBad: true } },
    },
    "data.tree": {
      without: votes({ data: { spec: voted.spec } }),
      with: votes({ data: voted }),
    },
    "data.votes": {
      without: votes({ data: voted }),
      with: votes({ data: { ...voted, votes: "cast" } }),
    },
    task: { without: votes({ data: voted }), with: votes({ data: voted, task: "fractions" }) },
    "model.name": { with: { model: { name: "test_resnet18" } } },
    "model.dropout": { with: { model: { dropout: 0.5 } } },
    "model.dropPath": {
      without: { model: { name: "test_vit" } },
      with: { model: { name: "test_vit", dropPath: 0.5 } },
    },
    "model.weights": { with: { model: { weights: at("weights.safetensors") } } },
    "predict.batchSize": { with: { predict: { batchSize: 3 } } },
    "predict.precision": { with: { predict: { precision: "mixed_bfloat16" } } },
    "predict.calibrate": {
      without: { data: { spec: at("alike") } },
      with: { data: { spec: at("alike") }, predict: { calibrate: false } },
    },
    "predict.dropoutSamples": {
      without: { model: { dropout: 0.5 } },
      with: { model: { dropout: 0.5 }, predict: { dropoutSamples: 2 } },
    },
    "predict.testTimeAugmentation": { with: { predict: { testTimeAugmentation: true } } },
    "train.augmentation": { with: train({ augmentation: "strong" }) },
    "train.batchSize": { with: train({ batchSize: 5 }) },
    "train.checkpointSeconds": { with: train({ checkpointSeconds: 1e-6 }) },
    "train.earlyStopping.metric": {
      without: scores({ earlyStopping: { patience: 1 } }),
      with: scores({ earlyStopping: { patience: 1, metric: "valMeanAbsoluteError" } }),
    },
    "train.earlyStopping.patience": {
      without: still({}),
      with: still({ earlyStopping: { patience: 1 } }),
    },
    "train.ema": { with: train({ ema: 0.9 }) },
    "train.epochs": { with: train({ epochs: 3 }) },
    "train.log.mlflow.uri": { with: train({ log: { mlflow: { uri } } }) },
    "train.log.mlflow.experiment": {
      without: train({ log: { mlflow: { uri } } }),
      with: train({ log: { mlflow: { uri, experiment: "galaxies" } } }),
    },
    "train.log.tensorboard": { with: train({ log: { tensorboard: true } }) },
    "train.loss.name": { with: loss({ name: "focal" }) },
    "train.loss.classWeights": { with: loss({ classWeights: [1, 5] }) },
    "train.loss.logitAdjustment": { with: loss({ logitAdjustment: 1 }) },
    "train.loss.labelSmoothing": { with: loss({ labelSmoothing: 0.2 }) },
    "train.loss.gamma": {
      without: loss({ name: "focal" }),
      with: loss({ name: "focal", gamma: 1 }),
    },
    "train.loss.gated": {
      without: votes({ data: voted }, loss({ name: "squaredError" })),
      with: votes({ data: voted }, loss({ name: "squaredError", gated: true })),
    },
    "train.loss.temperature": {
      without: { task: "contrastive" },
      with: { task: "contrastive", ...loss({ temperature: 0.5 }) },
    },
    "train.loss.scale": {
      without: votes({ data: voted, task: "fractions" }, loss({ name: "distance" })),
      with: votes({ data: voted, task: "fractions" }, loss({ name: "distance", scale: 2 })),
    },
    "train.imagesPerEpoch": { with: train({ imagesPerEpoch: 8 }) },
    "train.monitor": { without: scores({}), with: scores({ monitor: "valLoss" }) },
    "train.optimizer.name": { with: optimizer({ name: "adam", weightDecay: 0.1 }) },
    "train.optimizer.learningRate": { with: optimizer({ learningRate: 0.01 }) },
    "train.optimizer.weightDecay": { with: optimizer({ weightDecay: 0.1 }) },
    "train.optimizer.beta1": { with: optimizer({ beta1: 0.5 }) },
    "train.optimizer.beta2": { with: optimizer({ beta2: 0.5 }) },
    "train.optimizer.epsilon": { with: optimizer({ epsilon: 0.1 }) },
    "train.optimizer.momentum": {
      without: optimizer({ name: "sgd" }),
      with: optimizer({ name: "sgd", momentum: 0.5 }),
    },
    "train.optimizer.clipNorm": {
      without: optimizer({ name: "sgd" }),
      with: optimizer({ name: "sgd", clipNorm: 0.01 }),
    },
    "train.optimizer.gradientAccumulation": { with: optimizer({ gradientAccumulation: 2 }) },
    "train.optimizer.layerDecay": { with: optimizer({ layerDecay: 0.5 }) },
    "train.precision": { with: train({ precision: "mixed_bfloat16" }) },
    "train.sampling": { with: train({ sampling: "balanced" }) },
    "train.schedule.name": { with: schedule({ name: "constant" }) },
    "train.schedule.risingShare": { with: schedule({ risingShare: 0.8 }) },
    "train.schedule.warmupEpochs": {
      without: schedule({ name: "constant" }),
      with: schedule({ name: "constant", warmupEpochs: 1 }),
    },
    "train.schedule.stepSize": {
      without: schedule({ name: "step" }),
      with: schedule({ name: "step", stepSize: 1 }),
    },
    "train.schedule.gamma": {
      without: schedule({ name: "step", stepSize: 1 }),
      with: schedule({ name: "step", stepSize: 1, gamma: 0.5 }),
    },
    "train.schedule.floor": {
      without: schedule({ name: "cosine" }),
      with: schedule({ name: "cosine", floor: 0.5 }),
    },
    "train.seed": { with: train({ seed: 1 }) },
    "train.stages.epochs": { without: stages({ epochs: 1 }), with: stages({ epochs: 2 }) },
    "train.stages.freeze": {
      without: stages({ epochs: 2 }),
      with: stages({ epochs: 2, freeze: "backbone" }),
    },
    "train.stages.learningRate": {
      without: stages({ epochs: 2 }),
      with: stages({ epochs: 2, learningRate: 0.01 }),
    },
    "train.validationInterval": { with: train({ validationInterval: 2 }) },
  };
}
