import { evaluate } from "../evaluate/summary";
import { classDistribution } from "./class-distribution";
import { confusionMatrix } from "./confusion-matrix";
import { EXAMPLE_CLASSES, exampleHistory, exampleImages, examplePredictions } from "./examples";
import type { Figure } from "./figure";
import { perClassBars } from "./per-class-bars";
import { sampleGrid } from "./sample-grid";
import type { FigureOptions } from "./theme";
import { trainingCurves } from "./training-curves";

/** Draws a figure from made-up tables: what tests and the gallery show. */
export type FigureExample = (options: FigureOptions) => Figure | Promise<Figure>;

const predictions = () => examplePredictions();
const summary = () => evaluate(predictions());

/** Twenty thumbnails of each class, as a data set. */
function dataset() {
  const { ids, labels } = predictions();
  const split = Array.from(labels, (_, row) => ["train", "train", "train", "val", "test"][row % 5]);
  const table = { id: [...ids], label: labels, split };
  const read = async (rows: ArrayLike<number>) => exampleImages(rows.length);
  return { classNames: EXAMPLE_CLASSES, table, imageSize: [64, 64] as const, read };
}

/** Every figure by name, with its example. A new figure is one file and one line here. */
export const figureRegistry: Readonly<Record<string, FigureExample>> = {
  "class-distribution": (options) => classDistribution(dataset(), options),
  "sample-grid": (options) => sampleGrid(dataset(), options),
  "training-curves": (options) => trainingCurves(exampleHistory(), options),
  "confusion-matrix": (options) => confusionMatrix(summary(), options),
  "confusion-matrix-counts": (options) =>
    confusionMatrix(summary(), { show: "counts", ...options }),
  "per-class-bars": (options) => perClassBars(summary(), options),
};
