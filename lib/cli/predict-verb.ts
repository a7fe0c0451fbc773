import { checkWritable, writeFileAtomic } from "../io/atomic";
import { untilInterrupted } from "../notebook/interrupt";
import { withProgress } from "../notebook/progress";
import { askModel, askOptions } from "./ask-model";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "What a trained model says of galaxies, as a table",
  options: {
    ...askOptions,
    out: { type: "text", value: "FILE.csv", help: "The table.", required: "predictions.csv" },
  },
  async run({ out, ...values }) {
    checkWritable(out);
    await askModel(values, async ({ predictor, dataset, rows }) => {
      const table = await withProgress("predicting", (onProgress) =>
        untilInterrupted((signal) =>
          predictor.predict(dataset, rows, {
            signal,
            onProgress: (done) => onProgress(done, rows.length),
          }),
        ),
      );
      writeFileAtomic(out, predictor.task.formatTable(table));
      say(`${rows.length} predictions: ${out}`);
    });
    return undefined;
  },
});
