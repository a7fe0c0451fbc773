import { checkWritable, writeFileAtomic } from "../io/atomic";
import { untilInterrupted } from "../notebook/interrupt";
import { withProgress } from "../notebook/progress";
import { predictionCatalog } from "../predict/prediction-catalog";
import { checkEnding, endingOf, writeCatalog } from "../predict/prediction-catalog-file";
import { askModel, askOptions } from "./ask-model";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "What a trained model says of galaxies, as a table",
  options: {
    ...askOptions,
    out: {
      type: "text",
      value: "FILE",
      help: "The table: a .csv that evaluate reads; or, as the file ends, a catalog as surveys publish it: .parquet, .fits.",
      required: "predictions.csv",
    },
    catalog: {
      type: "flag",
      help: "Write a .csv as a catalog, too: id, ra and dec where they are known, <question>_<answer>_fraction … or p_<class> ….",
    },
  },
  async run({ out, catalog, ...values }) {
    const asCatalog = catalog || endingOf(out) !== "csv";
    if (asCatalog) checkEnding(out);
    checkWritable(out);
    await askModel(values, async ({ predictor, dataset, rows }) => {
      await withProgress("predicting", (onProgress) =>
        untilInterrupted(async (signal) => {
          const options = { signal, onProgress: (done: number) => onProgress(done, rows.length) };
          if (asCatalog) {
            await writeCatalog(out, await predictionCatalog(predictor, dataset, rows, options));
          } else {
            const table = await predictor.predict(dataset, rows, options);
            writeFileAtomic(out, predictor.task.formatTable(table));
          }
        }),
      );
      say(`${rows.length} predictions: ${out}`);
    });
    return undefined;
  },
});
