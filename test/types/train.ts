import { openDataset } from "tuning-fork/data";
import { createModel } from "tuning-fork/models";
import { createTask } from "tuning-fork/tasks";
import {
  type Experiment,
  type ExperimentConfig,
  type FitResult,
  fit as fitModel,
  loadAblation,
  type loadConfig,
  openExperiment,
  RunFolder,
  type RunResult,
  readResults,
  runAblation,
} from "tuning-fork/train";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const experiment = openExperiment("configs/quickstart.yaml", { set: ["train.epochs=2"] });
  expectType<Same<typeof experiment, Experiment>>();
  openExperiment({
    model: { name: "resnet18" },
    data: { spec: "synthetic" },
    train: {
      epochs: 2,
      optimizer: { name: "sgd", learningRate: 0.1 },
      schedule: { name: "step", stepSize: 3 },
    },
  });
  // @ts-expect-error: several keys are a list
  openExperiment("configs/quickstart.yaml", { set: "train.epochs=2" });
  const data = { spec: "synthetic" };
  const model = { name: "resnet18" };
  // @ts-expect-error: American spelling
  openExperiment({ model, data, train: { optimiser: {} } });
  // @ts-expect-error: no such optimizer
  openExperiment({ model, data, train: { optimizer: { name: "lion" } } });
  // @ts-expect-error: a cosine has no steps
  openExperiment({ model, data, train: { schedule: { name: "cosine", stepSize: 3 } } });

  expectType<Same<typeof experiment.config, ExperimentConfig>>();
  expectType<Same<ReturnType<typeof loadConfig>, ExperimentConfig>>();
  // @ts-expect-error: a config that was read is not changed
  experiment.run = new RunFolder("elsewhere");

  const fitted = await experiment.train({
    ifExists: "restart",
    onStep: ({ epoch, learningRate }) => console.log(epoch.toFixed(), learningRate.toExponential()),
  });
  expectType<Same<typeof fitted, FitResult>>();
  // @ts-expect-error: no such way
  await experiment.train({ ifExists: "overwrite" });
  const result = await experiment.evaluate();
  expectType<Same<typeof result, RunResult>>();
  result.metrics.accuracy.toFixed(3);
  const results = await readResults({ ViT: experiment });
  expectType<Same<typeof results, Record<string, RunResult>>>();

  const dataset = await openDataset("synthetic");
  const inputs = {
    model: createModel("resnet18", { numClasses: 10 }),
    task: createTask(dataset),
    dataset,
    train: [0, 1],
  };
  await fitModel(inputs, experiment.config.train, new RunFolder("results/a"));
  const { train: _rows, ...rest } = inputs;
  // @ts-expect-error: it is said which rows are learned from
  await fitModel(rest, experiment.config.train, new RunFolder("results/a"));
  // @ts-expect-error: a config that was checked, with its defaults
  await fitModel(inputs, { epochs: 1 }, new RunFolder("results/a"));

  await runAblation(loadAblation("configs/ablation.yaml"), "results/ablation", {
    onFailure: (name, error) => console.log(name.length, error),
  });
  // @ts-expect-error: an ablation is read before it runs
  await runAblation("configs/ablation.yaml", "results/ablation");
}
