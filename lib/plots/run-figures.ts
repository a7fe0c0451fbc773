import { UserError } from "../core/errors";
import type { Table } from "../core/table";
import { reliabilityTable } from "../evaluate/calibration";
import { labeledPredictions, type Predictions } from "../evaluate/predictions";
import { evaluate } from "../evaluate/summary";
import { voteMetrics } from "../evaluate/vote-metrics";
import { rowsWithVotes, selectVotes, type VotePredictions } from "../evaluate/vote-predictions";
import { voteReliability } from "../evaluate/vote-reliability";
import { answerBars } from "./answer-bars";
import { confusionMatrix } from "./confusion-matrix";
import { distributionComparison } from "./distribution-comparison";
import type { Figure } from "./figure";
import { hexBins } from "./hex-bins";
import { perClassBars } from "./per-class-bars";
import { rankingCurves } from "./ranking-curves";
import { reliabilityDiagram } from "./reliability-diagram";
import { reliabilityPanels } from "./reliability-panels";
import { plain } from "./text";
import type { FigureOptions } from "./theme";
import { trainingCurves } from "./training-curves";

/** The tables that a run's folder holds. */
export interface RunTables {
  /** What the run says of its test galaxies, as its task makes it. Default: nothing was tested. */
  readonly predictions?: {
    /** Galaxy of each row. */
    readonly ids: readonly string[];
  };
  /** One row an epoch: `history.csv`. Default: nothing was trained. */
  readonly history?: Table;
  /** The epoch whose weights were kept. Default: it is not known. */
  readonly bestEpoch?: number;
}

/** What a caption says of a run. */
export interface CaptionContext {
  /** Name of the architecture. */
  readonly model: string;
  /** Name of the data set. */
  readonly data: string;
  /** Number of test galaxies. */
  readonly galaxies: number;
}

/** One figure of a run. */
export interface RunFigure {
  /** A sentence or two, for a paper or a page. */
  caption(context: CaptionContext): string;
  /** @returns undefined where the run lacks the table that it draws */
  draw(tables: RunTables, options: FigureOptions): Figure | undefined;
}

/** Draws classes whose truth is known, where a run has them. */
function ofClasses(draw: (predictions: Predictions, options: FigureOptions) => Figure) {
  return ({ predictions }: RunTables, options: FigureOptions): Figure | undefined => {
    if (predictions === undefined || !("classNames" in predictions)) return undefined;
    const table = predictions as Predictions;
    const known = table.labels.some((label) => label >= 0);
    return known ? draw(labeledPredictions(table), options) : undefined;
  };
}

/** As {@link ofClasses}, where there are probabilities too. */
function ofProbabilities(draw: (predictions: Predictions, options: FigureOptions) => Figure) {
  const drawClasses = ofClasses(draw);
  return (tables: RunTables, options: FigureOptions): Figure | undefined =>
    tables.predictions !== undefined && "probabilities" in tables.predictions
      ? drawClasses(tables, options)
      : undefined;
}

/** Draws votes of which some are known. */
function ofVotes(draw: (table: VotePredictions, options: FigureOptions) => Figure) {
  return ({ predictions }: RunTables, options: FigureOptions): Figure | undefined => {
    if (predictions === undefined || !("questions" in predictions)) return undefined;
    const table = predictions as VotePredictions;
    const known = rowsWithVotes(table);
    return known.length > 0 ? draw(selectVotes(table, known), options) : undefined;
  };
}

/** The first answer to each question: the others say much the same. */
const firstAnswers = ({ questions }: VotePredictions) => questions.map(({ answers }) => answers[0]);

/** Every figure of a run by name. One more is one more entry; a task names those that it has. */
export const runFigureRegistry: Readonly<Record<string, RunFigure>> = {
  "training-curves": {
    caption: ({ model, data }) =>
      `Loss (nats) and accuracy of ${model} after each epoch of training on ${data}, on the galaxies it learns from and on the validation galaxies; a circle marks the epoch that was kept. The training's values are means over an epoch, of augmented images and, where set, smoothed labels: the validation loss may lie below.`,
    draw: ({ history, bestEpoch }, options) =>
      history && Object.values(history).some(({ length }) => length > 0)
        ? trainingCurves(history, { bestEpoch, ...options })
        : undefined,
  },
  "answer-bars": {
    caption: ({ model, galaxies }) =>
      `Correlation and mean absolute error of the vote fractions that ${model} predicts for ${galaxies} test galaxies, answer by answer; marks show the error of whoever says each answer's mean.`,
    draw: ofVotes((table, options) => answerBars(voteMetrics(table, { samples: 1 }), options)),
  },
  "vote-hex-bins": {
    caption: ({ model, galaxies }) =>
      `Vote fractions predicted by ${model} against those of the volunteers, for ${galaxies} test galaxies: the first answer to each question, galaxies counted in hexagons.`,
    draw: ofVotes((table, options) =>
      hexBins(
        { predicted: table, truth: { ...table, values: table.truth } },
        { answers: firstAnswers(table), ...options },
      ),
    ),
  },
  "vote-reliability": {
    caption: ({ model }) =>
      `How often volunteers gave each answer, against how often ${model} predicted it; bars are one standard error, larger dots more galaxies. The number is the mean distance from the diagonal.`,
    draw: ofVotes((table, options) => reliabilityPanels(voteReliability(table), options)),
  },
  "vote-distributions": {
    caption: ({ model }) =>
      `Distributions of the volunteers' vote fractions and of those predicted by ${model}: the first answer to each question, of the galaxies whose volunteers were asked.`,
    draw: ofVotes((table, options) => {
      const k = table.answers.length;
      const samples = (of: Float64Array, a: number) =>
        of.filter((_, i) => i % k === a && !Number.isNaN(table.truth[i]));
      const panels = firstAnswers(table).map((title) => {
        const a = table.answers.indexOf(title);
        return {
          title: plain(title),
          samples: { true: samples(table.truth, a), predicted: samples(table.values, a) },
          range: [0, 1] as const,
        };
      });
      return distributionComparison(
        panels.filter(({ samples: { true: known } }) => known.length > 1),
        options,
      );
    }),
  },
  "confusion-matrix": {
    caption: ({ model, galaxies }) =>
      `Confusion matrix of ${model} for ${galaxies} test galaxies. Rows are true classes, columns predicted ones; each row sums to 100 %.`,
    draw: ofClasses((table, options) => confusionMatrix(evaluate(table), options)),
  },
  "confusion-matrix-counts": {
    caption: ({ model, galaxies }) =>
      `Confusion matrix of ${model} for ${galaxies} test galaxies, in numbers of galaxies. Rows are true classes, columns predicted ones.`,
    draw: ofClasses((table, options) =>
      confusionMatrix(evaluate(table), { show: "counts", ...options }),
    ),
  },
  "per-class-bars": {
    caption: ({ model }) =>
      `Precision, recall and F1 of ${model} for each class of the test galaxies.`,
    draw: ofClasses((table, options) => perClassBars(evaluate(table), options)),
  },
  "roc-curves": {
    caption: ({ model }) =>
      `True positive rate of ${model} against the false positive rate, each class against the rest, with the area under the curve.`,
    draw: ofProbabilities(rankingCurves),
  },
  "precision-recall-curves": {
    caption: ({ model }) =>
      `Precision of ${model} against recall, each class against the rest, with the average precision.`,
    draw: ofProbabilities((table, options) =>
      rankingCurves(table, { show: "precision-recall", ...options }),
    ),
  },
  "reliability-diagram": {
    caption: ({ model }) =>
      `How often ${model} is right, against how sure it is. A calibrated network lies on the diagonal; the expected calibration error (ECE) is the mean distance from it, beside the one that so few galaxies show by chance though all probabilities are true (± one standard deviation).`,
    draw: ofProbabilities((table, options) => reliabilityDiagram(reliabilityTable(table), options)),
  },
};

/** Which figures of a run are drawn, and how. */
export interface RunFiguresOptions extends FigureOptions {
  /** Names in {@link runFigureRegistry}. Default: all. */
  readonly figures?: readonly string[];
}

/**
 * The figures of one run by name, from its tables alone; `exportFigures` writes them. A figure whose
 * table the run does not have is left out.
 *
 * @throws UserError where a name is that of no figure
 */
export function runFigures(
  tables: RunTables,
  { figures = Object.keys(runFigureRegistry), ...options }: RunFiguresOptions = {},
): Record<string, Figure> {
  const drawn: Record<string, Figure> = {};
  for (const name of figures) {
    const figure = runFigure(name).draw(tables, options);
    if (figure !== undefined) drawn[name] = figure;
  }
  return drawn;
}

/**
 * The caption of one of a run's figures, for a paper or a page.
 *
 * @throws UserError where the name is that of no figure
 */
export function runCaption(name: string, context: CaptionContext): string {
  return runFigure(name).caption(context);
}

function runFigure(name: string): RunFigure {
  const figure = Object.hasOwn(runFigureRegistry, name) ? runFigureRegistry[name] : undefined;
  if (figure !== undefined) return figure;
  throw new UserError(
    `"${name}" is no figure of a run`,
    `Take one of ${Object.keys(runFigureRegistry).join(", ")}.`,
  );
}
