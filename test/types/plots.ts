import { openDataset } from "tuning-fork/data";
import { evaluate, readPredictions } from "tuning-fork/evaluate";
import {
  classDistribution,
  confusionMatrix,
  exportFigures,
  type Figure,
  figureRegistry,
  pictureUris,
  runFigureRegistry,
  runFigures,
  sampleGrid,
  trainingCurves,
} from "tuning-fork/plots";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const dataset = await openDataset("synthetic");
  const predictions = await readPredictions("predictions.csv");
  const matrix = confusionMatrix(evaluate(predictions), { show: "counts", theme: "dark" });
  expectType<Same<typeof matrix, Figure>>();
  // @ts-expect-error: counts or percent
  confusionMatrix(evaluate(predictions), { show: "fraction" });
  // @ts-expect-error: every figure takes a table and options, and the table is a summary
  confusionMatrix(predictions);
  // @ts-expect-error: light or dark
  classDistribution(dataset, { theme: "paper" });
  // @ts-expect-error: a title is the caption's
  classDistribution(dataset, { title: "Classes" });
  trainingCurves({ epoch: [1, 2], trainLoss: [2, 1] }, { metrics: ["accuracy"] });
  // @ts-expect-error: a table's columns are lists
  trainingCurves({ epoch: 1 });
  const grid = await sampleGrid(dataset, { perClass: 3, seed: 1 });
  const uris = await pictureUris(await dataset.read([0]), dataset.imageSize, { format: "png" });
  expectType<Same<typeof uris, string[]>>();
  // @ts-expect-error: no such format
  await pictureUris(await dataset.read([0]), dataset.imageSize, { format: "webp" });

  const files = await exportFigures({ matrix, grid }, { formats: ["pdf", "svg"], widthMm: 88 });
  expectType<Same<typeof files, string[]>>();
  // @ts-expect-error: no such format
  await exportFigures({ matrix }, { formats: ["eps"] });
  // @ts-expect-error: a figure that is not waited for
  await exportFigures({ grid: sampleGrid(dataset) });
  // @ts-expect-error: millimeters on paper
  await exportFigures({ matrix }, { width: 88 });

  runFigures({ predictions }, { figures: ["confusion-matrix"] })["confusion-matrix"].layout;
  // @ts-expect-error: the registry is not changed from outside
  runFigureRegistry.mine = runFigureRegistry["training-curves"];
  // @ts-expect-error: the registry is not changed from outside
  delete figureRegistry["confusion-matrix"];
}
