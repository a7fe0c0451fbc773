import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { argmax } from "../core/argmax";
import { UserError } from "../core/errors";
import { matchNames } from "../core/names";
import { asText, namedColumns } from "../core/table";
import type { Dataset } from "../data/dataset";
import { type DecisionTree, questionRanges, treeAnswers } from "../data/decision-tree";
import { balancedRows } from "../data/sampling";
import { withoutAutocast } from "../engine/trace";
import { questionScores } from "../evaluate/question-scores";
import { atConcentrations, fitConcentrations } from "../evaluate/vote-calibration";
import { quickVoteMetrics, type VoteMetrics, voteMetrics } from "../evaluate/vote-metrics";
import {
  createVotePredictions,
  selectVotes,
  type VotePredictions,
} from "../evaluate/vote-predictions";
import {
  formatVotePredictions,
  parseVotePredictions,
  STRENGTH,
} from "../evaluate/vote-predictions-csv";
import { maskedFractions } from "./by-question";
import { knownVotes } from "./known-votes";
import type { LossOptions } from "./loss";
import { binaryCrossEntropy } from "./losses/binary-cross-entropy";
import { dirichletMultinomial } from "./losses/dirichlet-multinomial";
import { softmaxVotes } from "./losses/softmax-votes";
import { squaredError } from "./losses/squared-error";
import type { TaskDefinition } from "./registry";
import { sumToOne } from "./sum-to-one";
import type { Calibration, Task } from "./task";
import type { VoteLoss } from "./vote-loss";
import { voteStrata } from "./vote-strata";

const losses: readonly VoteLoss[] = [
  softmaxVotes,
  dirichletMultinomial,
  squaredError,
  binaryCrossEntropy,
];

const detailsSchema = z.object({
  questions: z.array(
    z.object({
      name: z.string(),
      answers: z.array(z.string()).min(1),
      after: z.array(z.string()).optional(),
      others: z.boolean().optional(),
    }),
  ),
});

/** The fraction of volunteers that gave each answer, question by question of a decision tree. */
export const votes: TaskDefinition = {
  name: "votes",
  sentence: "the fraction of volunteers that gave each answer to the questions of a decision tree",
  losses,
  fits: ({ votes }) => votes !== undefined,
  fromDataset(dataset, options) {
    const { questions = [], asked } = dataset.votes ?? {};
    const loss = lossNamed(options.name);
    if (loss.needsCounts && asked === undefined) {
      throw new UserError(
        `${dataset.name} has fractions, and train.loss.name ${loss.name} needs numbers of votes`,
        `give counts, or the column total_classifications, or take ${losses
          .filter(({ needsCounts }) => !needsCounts)
          .map(({ name }) => name)
          .join(", ")}`,
      );
    }
    return createVoteTask(questions, loss, options);
  },
  fromDescription({ loss: name, details, calibration }) {
    const loss = lossNamed(name);
    const told = detailsSchema.safeParse(details);
    if (!told.success) {
      throw new UserError(
        "the model does not say which questions its votes are about",
        "only weights that this program saved can be asked for votes",
      );
    }
    const { questions } = told.data;
    return createVoteTask(questions, loss, loss.schema.parse({ name }), calibration);
  },
};

function lossNamed(name: string): VoteLoss {
  const found = losses.find((loss) => loss.name === name);
  if (found !== undefined) return found;
  throw new UserError(
    `the model was trained with a loss "${name}", which votes do not have`,
    `they have ${losses.map((loss) => loss.name).join(", ")}`,
  );
}

function createVoteTask(
  questions: DecisionTree,
  loss: VoteLoss,
  options: LossOptions,
  calibration?: readonly number[],
): Task<VotePredictions> {
  const answers = treeAnswers(questions);
  const ranges = questionRanges(questions);
  const [k, count] = [answers.length, questions.length];
  const strengths = loss.givesStrengths ? questions.map(({ name }) => name + STRENGTH) : [];
  const outputs = [...answers, ...strengths];
  const activate = (logits: tf.Tensor2D) => loss.activate(logits, questions);
  return {
    description: {
      ...{ task: "votes", loss: loss.name, outputs, details: { questions } },
      ...(calibration && { calibration }),
    },
    outputs,
    numLogits: k * (loss.logitsPerOutput ?? 1),
    targetWidth: k + count,

    targets(dataset, rows) {
      const { truth, asked } = knownVotes(dataset, rows, questions);
      const targets = new Float32Array(rows.length * (k + count));
      for (let i = 0; i < rows.length; i++) {
        let known = false;
        for (const [q, { from, to }] of ranges.entries()) {
          const voters = asked?.[i * count + q] ?? 1;
          if (!(voters > 0) || Number.isNaN(truth[i * k + from])) continue;
          known = true;
          targets[i * (k + count) + k + q] = voters;
          for (let a = from; a < to; a++) {
            targets[i * (k + count) + a] = truth[i * k + a] * voters;
          }
        }
        if (!known) {
          throw new UserError(
            `nothing is known of what volunteers said about ${dataset.table.id[rows[i]]} in ${dataset.name}`,
            "learn from galaxies with votes only",
          );
        }
      }
      return targets;
    },
    truths(dataset, rows) {
      const { truth } = knownVotes(dataset, rows, questions);
      const width = outputs.length;
      return Float64Array.from({ length: rows.length * width }, (_, i) => {
        const at = i % width;
        return at < k ? truth[Math.floor(i / width) * k + at] : Number.NaN;
      });
    },
    strata({ votes, size }) {
      return votes === undefined
        ? { of: new Int32Array(size).fill(-1), names: [] }
        : voteStrata(votes);
    },

    createLoss({ dataset, rows }) {
      const all = voteStratum(dataset);
      const strata = Int32Array.from(rows, (row) => all[row]);
      const learned = loss.create(options, { strata, outputs: answers, questions });
      return (logits, targets) => withoutAutocast(() => learned(logits, targets));
    },
    activate,
    trainingScore: {
      name: "mae",
      sum: (logits, targets) =>
        tf.tidy(() => {
          const predicted = tf.slice(activate(logits), [0, 0], [logits.shape[0], k]);
          const { fractions, mask } = maskedFractions(targets, questions);
          const away = tf.sum(tf.mul(tf.abs(tf.sub(predicted, fractions)), mask), 1);
          return tf.sum(tf.div(away, tf.maximum(tf.sum(mask, 1), 1)));
        }),
    },

    normalize: (raw) => sumToOne(raw, outputs.length, ranges),
    table(dataset, rows, given) {
      const ids = asText(dataset.table.id);
      const width = outputs.length;
      const take = (from: number, size: number) =>
        Float64Array.from(
          { length: rows.length * size },
          (_, i) => given[Math.floor(i / size) * width + from + (i % size)],
        );
      const { truth, asked } = knownVotes(dataset, rows, questions);
      const learned = createVotePredictions(
        {
          questions,
          ids: Array.from(rows, (row) => ids[row]),
          values: take(0, k),
          ...(strengths.length > 0 && { strengths: take(k, count) }),
          truth,
          ...(asked && { asked }),
        },
        `the answers about ${dataset.name}`,
      );
      return calibration === undefined ? learned : byStrength.apply(learned, calibration);
    },
    ...(loss.givesStrengths && { calibration: byStrength }),
    answers({ values, strengths, ids }) {
      if (strengths === undefined) return values;
      const width = outputs.length;
      return Float64Array.from({ length: ids.length * width }, (_, i) => {
        const [row, at] = [Math.floor(i / width), i % width];
        return at < k ? values[row * k + at] : strengths[row * count + at - k];
      });
    },
    notices({ name, votes }) {
      if (votes === undefined) return [];
      const own = matchNames(answers, votes.answers);
      const missing = answers.filter((_, a) => own[a] < 0);
      if (missing.length === 0) return [];
      return [
        `${name} has no votes for ${missing.join(", ")}: what volunteers said to their questions stays empty`,
      ];
    },
    catalogColumns({ values, strengths }) {
      const named = (ending: string) => answers.map((answer) => answer + ending);
      const asked = answers.map((_, a) => ranges.findIndex(({ to }) => a < to));
      return {
        ...namedColumns(values, named("_fraction")),
        ...(strengths &&
          namedColumns(
            values.map((value, at) => {
              return value * strengths[Math.floor(at / k) * count + asked[at % k]];
            }),
            named("_dirichlet"),
          )),
      };
    },
    formatTable: formatVotePredictions,
    parseTable: (text, file) => parseVotePredictions(text, file, questions),

    metrics(table, before?: Partial<VoteMetrics>) {
      // A calibration changes how sure the fractions are, and not the fractions.
      const known = { intervals: before?.intervals };
      return { ...voteMetrics(table, known), loss: loss.ofTable(table, options) };
    },
    monitors: {
      loss: "min",
      correlation: "max",
      mae: "min",
      rmse: "min",
      relativeMae: "min",
    },
    monitored(table) {
      const values = { loss: loss.ofTable(table, options), ...quickVoteMetrics(table) };
      return Object.fromEntries(Object.entries(values).filter(([, v]) => Number.isFinite(v)));
    },
    defaultMonitor: "mae",
    headline: ["correlation", "mae", "relativeMae"],
    breakdown(table) {
      const scores = questionScores(table);
      const accuracies = scores.map(({ name, galaxies, accuracy }) => {
        return [name, galaxies > 0 ? accuracy : Number.NaN];
      });
      return { name: "accuracy", scores: Object.fromEntries(accuracies) };
    },
    undersample(table, random) {
      const { of } = voteStrata({ ...table, fractions: table.truth });
      return selectVotes(table, balancedRows(of, [...of.keys()], "undersample", random));
    },
    figures: [
      ...["training-curves", "answer-bars", "vote-hex-bins", "vote-distributions"],
      "vote-reliability",
    ],
    describe({ values, truth }, row) {
      const [{ to }] = ranges;
      const said = (of: Float64Array) => {
        const best = argmax(of, row * k, to);
        return { best, text: `${answers[best]} (${of[row * k + best].toFixed(2)})` };
      };
      const answer = said(values);
      if (Number.isNaN(truth[row * k])) return { answer: answer.text };
      const known = said(truth);
      return { answer: answer.text, truth: known.text, correct: answer.best === known.best };
    },
  };
}

/** A factor of each question's strengths: how sure the answers are, while the fractions stay. */
const byStrength: Calibration<VotePredictions> = {
  fit: (table) => [...fitConcentrations(table)],
  apply: atConcentrations,
};

function voteStratum(dataset: Dataset): Int32Array {
  return dataset.votes === undefined
    ? new Int32Array(dataset.size).fill(-1)
    : voteStrata(dataset.votes).of;
}
