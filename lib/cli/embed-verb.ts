import { weightsDigest } from "../embed/embedding";
import { checkEnding, writeEmbedding } from "../embed/embedding-file";
import { checkWritable } from "../io/atomic";
import { untilInterrupted } from "../notebook/interrupt";
import { withProgress } from "../notebook/progress";
import { askModel, askOptions } from "./ask-model";
import { defineVerb, say } from "./verb";

/** Of features: how they are stored. */
export const float16 = {
  type: "flag",
  help: "Store 16 bits a number in the place of 32.",
} as const;

export const verb = defineVerb({
  summary: "What a trained network sees in galaxies, as numbers",
  details:
    "FILE.parquet has the columns id, f0, f1 …; FILE.npy is [galaxies, features], with FILE.ids.csv and FILE.json beside it. Both say whose features they are.",
  options: {
    ...askOptions,
    out: {
      type: "text",
      value: "FILE",
      help: "Where the features go, by its ending as Parquet or NumPy.",
      required: "features.parquet",
    },
    float16,
  },
  async run({ out, float16, ...values }) {
    checkEnding(out);
    checkWritable(out);
    await askModel(values, async ({ named: { model, description }, predictor, dataset, rows }) => {
      const source = {
        model: description.architecture,
        weights: weightsDigest(model),
        data: values.data,
      };
      const width = await withProgress("embedding", (onProgress) =>
        untilInterrupted((signal) =>
          writeEmbedding(out, predictor, dataset, rows, source, { float16, signal, onProgress }),
        ),
      );
      say(`${rows.length} galaxies, ${width} numbers each: ${out}`);
    });
    return undefined;
  },
});
