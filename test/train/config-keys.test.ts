import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startEngine } from "#lib/engine/start";
import { saveModel } from "#lib/models/model-file";
import { createModel, registerArchitecture } from "#lib/models/registry";
import { registerTask, type TaskDefinition } from "#lib/tasks/registry";
import { type ExperimentSettings, experimentSchema } from "#lib/train/config";
import { mergeSettings, type Tree } from "#lib/train/merge-settings";
import { openExperiment } from "#lib/train/open-experiment";
import { fractions } from "../tasks/outside-task";
import { configKeys } from "./config-keys";
import { temporaryFolder, writeClasses, writeVotes } from "./support";
import { tinyNetwork } from "./tiny-network";

/** Settings of two runs that differ in one key. */
interface Pair {
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
const scripted: TaskDefinition = {
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

describe("every key of a config", () => {
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  let server: Server;
  let uri = "";
  let runs = 0;
  const registered: (() => void)[] = [];
  const seen = new Map<string, Promise<Outcome>>();
  const voted = { spec: at("votes", "votes.csv"), tree: at("votes", "tree.yaml") };
  const scores = (settings: Tree) =>
    votes({ data: voted, task: "scripted" }, train({ epochs: 4, ...settings }));
  const { warn } = console;

  before(async () => {
    console.warn = () => {};
    await startEngine();
    registered.push(registerArchitecture(tinyNetwork));
    registered.push(...[fractions, scripted].map(registerTask));
    for (const name of ["images", "others", "damaged"]) {
      await writeClasses(at(name), { faint: name === "others" ? 12 : 10, bright: 16 }, 32, 2);
    }
    await writeVotes(at("votes"), 20);
    // The brightest of the faint are as bright as the bright: nothing can be too sure of them.
    await writeClasses(at("alike"), { faint: 90, bright: 20 }, 32, 2);
    writeFileSync(at("damaged", "faint", "broken.png"), "no picture");
    const model = createModel("tiny", { numClasses: 2, seed: 7 });
    saveModel(model, at("weights.safetensors"));
    model.dispose();
    mkdirSync(at("runs"));
    // Refuses whatever it is asked; the error names the address, and the experiment in it.
    server = createServer((_, response) => response.writeHead(500).end("{}"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    console.warn = warn;
    for (const takeOut of registered) takeOut();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });

  const pairs = (): Readonly<Record<string, Pair>> => ({
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
    "train.loss.scale": {
      without: votes({ data: voted, task: "fractions" }, loss({ name: "distance" })),
      with: votes({ data: voted, task: "fractions" }, loss({ name: "distance", scale: 2 })),
    },
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
  });

  /** What a run shows to the outside, or the sentence with which it is refused. */
  interface Outcome {
    /** Until it is trained. */
    readonly trained: string;
    /** And of its answers: asked for where the training shows nothing. */
    evaluated(): Promise<string>;
  }

  async function outcomeOf(settings: Tree): Promise<Outcome> {
    const run = at("runs", String(runs++));
    const common: ExperimentSettings = {
      data: { spec: at("images"), split: [0.5, 0.2, 0.3] },
      model: { name: "tiny" },
      train: {
        epochs: 2,
        batchSize: 4,
        augmentation: "none",
        log: { tensorboard: false },
        optimizer: { learningRate: 3e-3 },
      },
    };
    const merged = mergeSettings({ ...common }, settings) as ExperimentSettings;
    const orSentence = async (work: () => Promise<unknown>) => {
      try {
        return JSON.stringify(await work());
      } catch (error) {
        return String(error).replaceAll(folder.path, "");
      }
    };
    const trained = await orSentence(async () => {
      const early: boolean[] = [];
      const experiment = openExperiment(merged, { run });
      const { dataset, ...rows } = await experiment.data();
      // Whether a checkpoint is there before the first epoch ends.
      const onStep = () => early.push(existsSync(experiment.run.latestPath));
      const { history, bestEpoch } = await experiment.train({ onStep });
      await experiment.dispose();
      const ids = [rows.train, rows.val, rows.test].map((list) =>
        Array.from(list, (row) => dataset.table.id[row]),
      );
      const files = readdirSync(run).map((name) => name.replace(/tfevents.*/, "tfevents"));
      return { ids, size: dataset.imageSize, history, bestEpoch, files, early: early[1] };
    });
    let evaluated: Promise<string> | undefined;
    const evaluate = async () => {
      const done: number[] = [];
      const experiment = openExperiment(merged, { run });
      const result = await experiment.evaluate({ onProgress: (count) => done.push(count) });
      await experiment.dispose();
      const { predictions, parameters } = result;
      const { ids: _, ...answers } = predictions;
      return { answers, parameters, done, files: readdirSync(run).sort() };
    };
    return {
      trained,
      evaluated() {
        evaluated ??= orSentence(evaluate);
        return evaluated;
      },
    };
  }
  /** Equal settings are run once. */
  const outcome = (settings: Tree = {}) => {
    const key = JSON.stringify(settings);
    const known = seen.get(key) ?? outcomeOf(settings);
    seen.set(key, known);
    return known;
  };

  it("is set by a test", () => {
    assert.deepEqual(configKeys(experimentSchema), Object.keys(pairs()).sort());
  });

  it("is compared with runs that come out the same each time", async () => {
    const [one, two] = [await outcome(), await outcomeOf({})];
    assert.match(one.trained, /"history"/);
    assert.equal(one.trained, two.trained);
    assert.match(await one.evaluated(), /"answers"/);
    assert.equal(await one.evaluated(), await two.evaluated());
  });

  /** Keys that show by what is refused. */
  const refusing = new Set([
    ...["data.skipBad", "data.tree"],
    ...["train.log.mlflow.uri", "train.log.mlflow.experiment"],
  ]);
  for (const key of Object.keys(pairs())) {
    it(`acts: ${key}`, async () => {
      const { without = {}, with: changed } = pairs()[key];
      const [one, two] = [await outcome(without), await outcome(changed)];
      if (!refusing.has(key))
        for (const { trained } of [one, two]) assert.match(trained, /"history"/);
      if (one.trained !== two.trained) return;
      const answers = [await one.evaluated(), await two.evaluated()];
      assert.notEqual(answers[0], answers[1]);
      for (const said of answers) assert.match(said, /"answers"/);
    });
  }
});
