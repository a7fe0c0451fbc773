import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { UserError } from "#lib/core/errors";
import type { Dataset } from "#lib/data/dataset";
import type { LossDefinition } from "#lib/tasks/loss";
import type { TaskDefinition } from "#lib/tasks/registry";
import type { PredictionTable, Task } from "#lib/tasks/task";

/** Vote fractions by galaxy, and what volunteers said where that is known. */
interface FractionTable extends PredictionTable {
  /** `[rows, outputs]`. */
  readonly fractions: Float64Array;
  /** `[rows, outputs]`; NaN where nobody was asked. */
  readonly truth: Float64Array;
}

const schema = z.strictObject({
  name: z.literal("distance"),
  /** Factor of the loss. */
  scale: z.number().positive().default(1),
});

/** Two logits an output, of which the second says nothing: as a distribution of two parameters would. */
const distance: LossDefinition<z.output<typeof schema>> = {
  name: "distance",
  sentence: "mean squared error of fractions",
  schema,
  logitsPerOutput: 2,
  create: ({ scale }) => {
    return (logits, targets) =>
      tf.tidy(() => {
        const error = tf.mean(tf.squaredDifference(halves(logits), targets));
        return tf.mul(error, scale) as tf.Scalar;
      });
  },
  activate: halves,
};

function halves(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const [batch, width] = logits.shape;
    return tf.sigmoid(tf.slice(logits, [0, 0], [batch, width / 2])) as tf.Tensor2D;
  });
}

/** Vote fractions, learned with the mean squared error: a task as somebody else would write one. */
export const fractions: TaskDefinition = {
  name: "fractions",
  sentence: "the fraction of volunteers that gave each answer",
  losses: [distance],
  fits: ({ votes }) => votes !== undefined,
  fromDataset: ({ votes }, loss) =>
    createFractions(votes?.answers ?? [], distance.schema.parse(loss)),
  fromDescription: ({ outputs }) =>
    createFractions(outputs, distance.schema.parse({ name: "distance" })),
};

function createFractions(
  outputs: readonly string[],
  loss: z.output<typeof schema>,
): Task<FractionTable> {
  const k = outputs.length;
  const truthOf = (dataset: Dataset, rows: ArrayLike<number>) =>
    Float64Array.from({ length: rows.length * k }, (_, at) => {
      const row = rows[Math.floor(at / k)];
      return dataset.votes?.fractions[row * k + (at % k)] ?? Number.NaN;
    });
  const error = ({ fractions, truth }: FractionTable, power: number) => {
    const terms = fractions.map((value, at) => Math.abs(value - truth[at]) ** power);
    return terms.reduce((sum, term) => sum + term, 0) / terms.length;
  };
  return {
    description: { task: "fractions", loss: "distance", outputs },
    outputs,
    numLogits: 2 * k,
    targetWidth: k,
    targets: (dataset, rows) => Float32Array.from(truthOf(dataset, rows)),
    truths: truthOf,
    normalize: (raw) => raw,
    strata: (dataset) => ({ of: new Int32Array(dataset.size), names: ["all"] }),
    createLoss: ({ rows }) =>
      distance.create(loss, { strata: new Int32Array(rows.length), outputs, questions: [] }),
    activate: halves,
    trainingScore: {
      name: "meanAbsoluteError",
      sum: (logits, targets) =>
        tf.tidy(() => {
          const away = tf.abs(tf.sub(halves(logits), targets));
          return tf.sum(tf.mean(away, 1)) as tf.Scalar;
        }),
    },
    table: (dataset, rows, answers) => ({
      ids: Array.from(rows, (row) => String(dataset.table.id[row])),
      fractions: answers,
      truth: truthOf(dataset, rows),
    }),
    answers: ({ fractions }) => fractions,
    notices: () => [],
    catalogColumns: ({ ids, fractions }) =>
      Object.fromEntries(
        outputs.map((name, a) => [name, ids.map((_, row) => fractions[row * k + a])]),
      ),
    formatTable: ({ ids, fractions }) =>
      [`id,${outputs}`, ...ids.map((id, i) => [id, ...fractions.slice(i * k, (i + 1) * k)])]
        .join("\n")
        .concat("\n"),
    parseTable(text, file) {
      const [header, ...lines] = text.trim().split("\n");
      if (header !== `id,${outputs}`) throw new UserError(`${file}: ${header}`, "other columns");
      const cells = lines.map((line) => line.split(","));
      const values = Float64Array.from(cells.flatMap(([, ...row]) => row.map(Number)));
      return {
        ids: cells.map(([id]) => id),
        fractions: values,
        truth: new Float64Array(values.length).fill(Number.NaN),
      };
    },
    metrics: (table) => ({ meanAbsoluteError: error(table, 1) }),
    monitors: { loss: "min", meanAbsoluteError: "min" },
    monitored: (table) => ({ loss: error(table, 2), meanAbsoluteError: error(table, 1) }),
    defaultMonitor: "meanAbsoluteError",
    headline: ["meanAbsoluteError"],
    figures: [],
    describe: ({ fractions, truth }, row) => ({
      answer: String(fractions[row * k]),
      truth: String(truth[row * k]),
    }),
  };
}
