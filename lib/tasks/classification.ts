import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { matchNames } from "../core/names";
import { asText, namedColumns } from "../core/table";
import type { Dataset } from "../data/dataset";
import { balancedRows } from "../data/sampling";
import { confusionScores } from "../evaluate/classification-scores";
import { coverageTable } from "../evaluate/conformal";
import { countConfusion, normalizeRows } from "../evaluate/confusion";
import { classificationMetrics } from "../evaluate/metrics";
import {
  createPredictions,
  type Predictions,
  probabilitiesOf,
  selectPredictions,
} from "../evaluate/predictions";
import { formatPredictions, parsePredictions } from "../evaluate/predictions-csv";
import { evaluate } from "../evaluate/summary";
import { atTemperature, fitTemperature } from "../evaluate/temperature";
import type { LossDefinition, LossOptions } from "./loss";
import { crossEntropy } from "./losses/class-cross-entropy";
import { focal } from "./losses/focal";
import type { TaskDefinition } from "./registry";
import { sumToOne } from "./sum-to-one";
import type { Calibration, Strata, Task, TrainingRows } from "./task";

const losses: readonly LossDefinition[] = [crossEntropy, focal];

/** The loss of a validation split is the log loss, whatever the network learns with. */
const metricOf = (monitor: string) => (monitor === "loss" ? "logLoss" : monitor);

const { logLoss, ...others } = classificationMetrics;
const monitors = Object.fromEntries(
  Object.entries({ loss: logLoss, ...others }).map(([name, { better }]) => [name, better]),
);

/** One class a galaxy, by a softmax over all classes. */
export const classification: TaskDefinition = {
  name: "classification",
  sentence: "one class a galaxy",
  losses,
  fits: ({ classNames }) => classNames.length > 0,
  fromDataset: ({ classNames }, loss) => createClassification(classNames, loss),
  fromDescription({ outputs, loss, calibration }) {
    const definition = losses.find(({ name }) => name === loss);
    if (definition === undefined) {
      throw new UserError(
        `the model was trained with a loss "${loss}", which classification does not have`,
        `it has ${losses.map(({ name }) => name).join(", ")}`,
      );
    }
    return createClassification(outputs, definition.schema.parse({ name: loss }), calibration);
  },
};

function createClassification(
  classNames: readonly string[],
  options: LossOptions,
  calibration?: readonly number[],
): Task<Predictions> {
  const loss = losses.find(({ name }) => name === options.name) ?? crossEntropy;
  const k = classNames.length;
  const questions = [{ name: "class", answers: classNames }];
  return {
    description: {
      ...{ task: "classification", loss: loss.name, outputs: classNames },
      ...(calibration && { calibration }),
    },
    outputs: classNames,
    numLogits: k * (loss.logitsPerOutput ?? 1),
    targetWidth: k,

    targets(dataset, rows) {
      const labelOf = labelReader(dataset, classNames);
      const targets = new Float32Array(rows.length * k);
      for (let i = 0; i < rows.length; i++) {
        const label = labelOf(rows[i]);
        if (label < 0) {
          throw new UserError(
            `the class of ${dataset.table.id[rows[i]]} in ${dataset.name} is not known`,
            "learn from labeled galaxies only",
          );
        }
        targets[i * k + label] = 1;
      }
      return targets;
    },
    truths(dataset, rows) {
      const labelOf = labelReader(dataset, classNames);
      const truths = new Float64Array(rows.length * k);
      for (let i = 0; i < rows.length; i++) {
        const label = labelOf(rows[i]);
        if (label < 0) truths.fill(Number.NaN, i * k, (i + 1) * k);
        else truths[i * k + label] = 1;
      }
      return truths;
    },
    strata(dataset): Strata {
      const labelOf = labelReader(dataset, classNames);
      return {
        of: Int32Array.from({ length: dataset.size }, (_, row) => labelOf(row)),
        names: classNames,
      };
    },

    createLoss({ dataset, rows }: TrainingRows) {
      const strata = Int32Array.from(rows, labelReader(dataset, classNames));
      const learned = { strata, outputs: classNames, questions };
      return loss.create(options, learned);
    },
    activate: (logits) => loss.activate(logits, questions),
    trainingScore: {
      name: "accuracy",
      // Where images are mixed, the class that has the larger part of one is the right one.
      sum: (logits, targets) =>
        tf.tidy(() =>
          tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1)), "float32")),
        ),
    },

    normalize: (raw) => sumToOne(raw, k, [{ from: 0, to: k }]),
    table(dataset, rows, answers) {
      const ids = asText(dataset.table.id);
      const learned = createPredictions(
        {
          classNames,
          ids: Array.from(rows, (row) => ids[row]),
          labels: Int32Array.from(rows, labelReader(dataset, classNames, -1)),
          probabilities: answers,
        },
        `the answers about ${dataset.name}`,
      );
      return calibration === undefined ? learned : byTemperature.apply(learned, calibration);
    },
    calibration: byTemperature,
    answers: (table) => probabilitiesOf(table, "the answers of a classifier"),
    notices(dataset) {
      const own = matchNames(dataset.classNames, classNames);
      const unknown = dataset.classNames.filter((_, i) => own[i] < 0);
      if (unknown.length === 0) return [];
      return [
        `${dataset.name} has galaxies of ${unknown.join(", ")}, which are not among the model's classes (${classNames.join(", ")}): their column label stays empty`,
      ];
    },
    catalogColumns: ({ predicted, probabilities }) => ({
      predicted: Array.from(predicted, (c) => classNames[c]),
      ...(probabilities &&
        namedColumns(
          probabilities,
          classNames.map((name) => `p_${name}`),
        )),
    }),
    formatTable: formatPredictions,
    parseTable: (text, file) => inOrder(parsePredictions(text, file), classNames, file),

    metrics: (table) => ({ ...evaluate(table) }),
    monitors,
    monitored(table) {
      const summary: Readonly<Record<string, unknown>> = { ...evaluate(table) };
      const values = Object.keys(monitors).map((name) => [name, summary[metricOf(name)]]);
      return Object.fromEntries(values.filter(([, value]) => Number.isFinite(value)));
    },
    defaultMonitor: "accuracy",
    headline: ["accuracy", "logLoss", "macroF1"],
    breakdown(table) {
      const { classes } = confusionScores(countConfusion(table));
      const recalls = classes.map(({ recall, support }, c) => {
        return [classNames[c], support > 0 ? recall : Number.NaN];
      });
      return { name: "recall", overall: "accuracy", scores: Object.fromEntries(recalls) };
    },
    undersample(table, random) {
      const rows = [...table.ids.keys()];
      return selectPredictions(table, balancedRows(table.labels, rows, "undersample", random));
    },
    figures: [
      "training-curves",
      ...["confusion-matrix", "confusion-matrix-counts", "per-class-bars", "roc-curves"],
      ...["precision-recall-curves", "reliability-diagram"],
    ],
    describe({ labels, predicted, probabilities }, row) {
      const [label, best] = [labels[row], predicted[row]];
      const p = probabilities?.[row * k + best];
      return {
        answer: p === undefined ? classNames[best] : `${classNames[best]} (${p.toFixed(3)})`,
        truth: label < 0 ? undefined : classNames[label],
        correct: label < 0 ? undefined : label === best,
      };
    },
    shareTable: (table) => ({
      name: "confusion matrix",
      shares: normalizeRows(countConfusion(table)),
    }),
  };
}

/** Coverages of the sets of classes that a run tells of. */
const SETS = [0.8, 0.9, 0.95];

/** One temperature for all classes (Guo et al. 2017, arXiv:1706.04599). */
const byTemperature: Calibration<Predictions> = {
  fit: (table) => [fitTemperature(table)],
  apply: (table, [temperature]) => atTemperature(table, temperature),
  promises: (validation, test) => ({
    sets: coverageTable(validation, test, { asked: SETS }).map(({ asked, coverage, meanSize }) => ({
      asked,
      coverage,
      meanSize,
    })),
  }),
};

/** The table with its columns in this order, matched by name. @throws UserError naming the classes */
function inOrder(table: Predictions, classNames: readonly string[], file: string): Predictions {
  const from = matchNames(classNames, table.classNames);
  if (table.classNames.length !== classNames.length || from.includes(-1)) {
    throw new UserError(
      `${file} has the classes ${table.classNames.join(", ")}, and not ${classNames.join(", ")}`,
      "give a table about the same classes",
    );
  }
  const { ids, labels, predicted, probabilities } = table;
  const k = classNames.length;
  const toOwn = (index: number) => (index < 0 ? -1 : from.indexOf(index));
  return {
    classNames,
    ids,
    labels: labels.map(toOwn),
    predicted: predicted.map(toOwn),
    probabilities: probabilities?.map((_, at) => probabilities[at - (at % k) + from[at % k]]),
  };
}

/**
 * A function that tells the class of a row as an index into `classNames`, −1 where it is not known.
 * The classes of the data set are matched by name.
 *
 * @param other What it tells of a galaxy whose class is not among them. Default: it throws.
 * @throws UserError (the function does) when a galaxy is of a class that is not among them
 */
function labelReader(
  dataset: Dataset,
  classNames: readonly string[],
  other?: -1,
): (row: number) => number {
  const { label } = dataset.table;
  const own = matchNames(dataset.classNames, classNames);
  return (row) => {
    const index = label === undefined ? -1 : Number(label[row]);
    if (!(index >= 0)) return -1;
    if (own[index] >= 0) return own[index];
    if (other !== undefined) return other;
    throw new UserError(
      `${dataset.table.id[row]} in ${dataset.name} is of the class "${dataset.classNames[index]}", ` +
        `which is not among ${classNames.join(", ")}`,
      "leave such galaxies out, or rename the class",
    );
  };
}
