import { openDataset } from "tuning-fork/data";
import {
  type ablate,
  evaluateRun,
  liveFigure,
  progress,
  showFigure,
  showImages,
  showTable,
  train,
  untilInterrupted,
} from "tuning-fork/notebook";
import { classDistribution } from "tuning-fork/plots";
import { type FitResult, openExperiment, type RunResult } from "tuning-fork/train";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const dataset = await openDataset("synthetic");
  showTable(dataset.table, { rows: 5, digits: 3 });
  showTable({ metric: ["accuracy", "loss"], value: [0.5, null] });
  // @ts-expect-error: columns, not rows
  showTable([{ metric: "accuracy", value: 0.5 }]);
  // @ts-expect-error: how many rows are shown is a number
  showTable(dataset.table, { rows: "all" });
  await showImages(await dataset.read([0]), dataset.imageSize, { captions: ["a"] });
  // @ts-expect-error: pixels without a size
  await showImages(await dataset.read([0]));
  showFigure(classDistribution(dataset));
  // @ts-expect-error: one figure a call
  showFigure([classDistribution(dataset)]);
  liveFigure().update(classDistribution(dataset));

  const experiment = openExperiment("configs/quickstart.yaml");
  const fitted = await train(experiment, { ifExists: "resume" });
  expectType<Same<typeof fitted, FitResult>>();
  const result = await evaluateRun(experiment);
  expectType<Same<typeof result, RunResult>>();
  // @ts-expect-error: an experiment, not its config
  await train(experiment.config);
  const bar = progress(10, "reading", { unit: "images" });
  bar.update(1, { loss: 0.5 });
  // @ts-expect-error: metrics are numbers
  bar.update(1, { loss: "low" });
  expectType<Same<Awaited<ReturnType<typeof ablate>>["rows"][number]["model"], string>>();
  const answer = await untilInterrupted(async (signal) => signal.aborted);
  expectType<Same<typeof answer, boolean>>();
}
