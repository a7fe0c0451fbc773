import type { Table } from "../core/table";

/** A setting that a sweep tries values of. */
export interface SweepParameter {
  /** Its key, such as `train.optimizer.learningRate`. */
  readonly name: string;
  /** `log`: an interval in which factors count; `list`: separate values, in the order tried. */
  readonly scale: "linear" | "log" | "list";
}

/** One training of a sweep. */
export interface SweepTrial {
  /** Of its run's folder. */
  readonly name: string;
  /** What each parameter was, in the order of {@link SweepTable.parameters}; a list's as text. */
  readonly values: readonly (string | number)[];
  /** For how many epochs it was allowed to train. */
  readonly epochs: number;
  /** Of the best epoch, on validation galaxies; NaN where the training failed. */
  readonly score: number;
  /** Of training, seconds; NaN where it failed. */
  readonly seconds: number;
}

/** What a sweep found. */
export interface SweepTable {
  /** What was tried, in the order of the file. */
  readonly parameters: readonly SweepParameter[];
  /** Name of the score, as in a run's history, such as `valLoss`. */
  readonly metric: string;
  /** Which way it is better. */
  readonly better: "min" | "max";
  /** In the order of their names. */
  readonly trials: readonly SweepTrial[];
}

/** Trials from the best to the worst: more epochs first, then by score; failed ones last. */
export function rankedTrials({ trials, better }: SweepTable): SweepTrial[] {
  const sign = better === "min" ? 1 : -1;
  const cost = ({ score }: SweepTrial) =>
    Number.isNaN(score) ? Number.POSITIVE_INFINITY : sign * score;
  return [...trials].sort((a, b) => b.epochs - a.epochs || cost(a) - cost(b) || 0);
}

/** The trials in the order of {@link rankedTrials} as columns. */
export function sweepColumns(table: SweepTable): Table {
  const ranked = rankedTrials(table);
  const columns = table.parameters.map(({ name, scale }, p) => {
    const values = ranked.map((trial) => trial.values[p]);
    return [
      name,
      scale === "list" ? values.map(String) : Float64Array.from(values, Number),
    ] as const;
  });
  return {
    trial: ranked.map(({ name }) => name),
    ...Object.fromEntries(columns),
    epochs: Float64Array.from(ranked, ({ epochs }) => epochs),
    [table.metric]: Float64Array.from(ranked, ({ score }) => score),
    seconds: Float64Array.from(ranked, ({ seconds }) => seconds),
  };
}

/** Values of an interval are put into so many groups of equal size. */
const GROUPS = 4;

/**
 * How much of the scores' variance each parameter explains by itself, 0 to 1, of the trials of the fewest
 * epochs, which are all that were begun: ε² of an analysis of variance by its values, or by four groups of
 * them (Kelley 1935, doi:10.1073/pnas.21.9.554). Unlike η² it is about 0 for a parameter without effect,
 * however few trials there are. What parameters do only together is in none of them.
 *
 * @returns one number a parameter; NaN where the trials are too few to say
 */
export function parameterImportance({ parameters, trials }: SweepTable): Float64Array {
  const fewest = Math.min(...trials.map(({ epochs }) => epochs));
  const own = trials.filter(({ epochs, score }) => epochs === fewest && Number.isFinite(score));
  const scores = own.map(({ score }) => score);
  return Float64Array.from(parameters, ({ scale }, p) => {
    const values = own.map((trial) => trial.values[p]);
    return epsilonSquared(scores, scale === "list" ? values.map(String) : quartiles(values));
  });
}

function quartiles(values: readonly (string | number)[]): string[] {
  const different = new Set(values);
  if (different.size <= GROUPS) return values.map(String);
  const sorted = values.map(Number).sort((a, b) => a - b);
  return values.map((value) => {
    const rank = sorted.findLastIndex((one) => one <= Number(value));
    return String(Math.floor((GROUPS * rank) / sorted.length));
  });
}

function epsilonSquared(scores: readonly number[], groups: readonly string[]): number {
  const names = [...new Set(groups)];
  const within = scores.length - names.length;
  if (names.length < 2 || within < 1) return Number.NaN;
  const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const squares = (list: readonly number[]) => {
    const center = mean(list);
    return list.reduce((sum, x) => sum + (x - center) ** 2, 0);
  };
  const total = squares(scores);
  const rest = names.reduce((sum, name) => {
    return sum + squares(scores.filter((_, i) => groups[i] === name));
  }, 0);
  if (total === 0) return 0;
  return Math.max(0, (total - rest - (names.length - 1) * (rest / within)) / total);
}
