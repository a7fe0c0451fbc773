import { availableParallelism } from "node:os";
import { UserError } from "../core/errors";
import { mapParallel } from "../core/parallel";
import type { BoostMatrix } from "./boost-matrix";
import type { BoostConfig } from "./boost-settings";
import {
  type BoosterHistory,
  BoostThread,
  type LearnedBooster,
  type LearningTask,
  type Target,
} from "./boost-thread";
import type { Booster, BoosterLibrary } from "./booster-library";

/** What is learned from. */
export interface BoostData {
  /** Of each galaxy. */
  readonly features: BoostMatrix;
  /** float32 `[rows, answers]`, row-major; NaN where an answer is not known. */
  readonly targets: Float32Array;
}

/** Answers that are learned, and from what. */
export interface BoostInputs {
  /** Names of the answers, in column order of the targets. */
  readonly names: readonly string[];
  /** Galaxies that are learned from. */
  readonly train: BoostData;
  /** Galaxies that say when to stop. Default: none, and every answer gets all rounds. */
  readonly val?: BoostData;
}

/** Who watches, and what ends it. */
export interface BoostOptions {
  /** Ends the training after the round under way; its reason is thrown. Default: nothing does. */
  readonly signal?: AbortSignal;
  /** After each round of an answer: rounds that are done or need not be done, and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Trees for each of several answers. */
export interface BoostedTrees {
  /** Whose trees they are. */
  readonly library: BoosterLibrary;
  /** Names of the answers. */
  readonly names: readonly string[];
  /** One an answer. */
  readonly boosters: readonly Booster[];
  /** One an answer; empty for trees that were loaded. */
  readonly history: readonly BoosterHistory[];
  /** What a person should know, a sentence each: answers that are constant, features not known. */
  readonly notices: readonly string[];
  /** Raw answers, float64 `[rows, answers]`, row-major: neither clipped nor brought to a sum of one. */
  predict(features: BoostMatrix): Promise<Float64Array>;
  /** Share that each feature has in the gain of all splits, `[width]`, sum 1. */
  importance(): Float64Array;
  /** Free every booster. */
  dispose(): void;
}

/** Binned data may take so much memory in all, bytes: of one byte a value. */
const MOST_BINNED = 4e9;

/**
 * Learn trees for each answer, several answers at a time, each on the galaxies of which it is known.
 *
 * Features are binned once for each answer that is learned at the same time, and never copied otherwise.
 * An answer has as many trees as its best round says, by the validation data. With the same seed, data
 * and threads the trees are the same.
 *
 * @throws UserError with the library's own message, and whatever the signal was aborted with
 */
export async function trainTrees(
  library: BoosterLibrary,
  { names, train, val }: BoostInputs,
  config: BoostConfig,
  { signal, onProgress }: BoostOptions = {},
): Promise<BoostedTrees> {
  checkShapes(names, train);
  if (val !== undefined) checkShapes(names, val, train.features.width);
  // What is wrong with the library is said here, not by each of the threads.
  library.version();
  const cores = config.threads || availableParallelism();
  const { rows, width } = train.features;
  const room = Math.max(1, Math.floor(MOST_BINNED / (rows * width)));
  const slots = Math.min(cores, names.length, room);
  const notices = [...train.features.notices];
  const results: LearnedBooster[] = [];
  let done = 0;
  const threads = Array.from({ length: slots }, () => {
    return new BoostThread({
      library: library.name,
      config: { ...config, threads: Math.max(1, Math.floor(cores / slots)) },
      train: train.features,
      val: val?.features,
    });
  });
  const free = [...threads];
  const stop = () => {
    for (const thread of threads) thread.stop();
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    await mapParallel(names, slots, async (name, column) => {
      signal?.throwIfAborted();
      const thread = free.pop() ?? threads[0];
      const known = targetsOf(name, column, names.length, train, val);
      notices.push(...known.notices);
      try {
        results[column] = await thread.learn(known, (rounds) => {
          done += rounds;
          onProgress?.(done, names.length * config.rounds);
        });
      } catch (error) {
        stop();
        throw signal?.aborted ? signal.reason : error;
      }
      free.push(thread);
    });
  } finally {
    signal?.removeEventListener("abort", stop);
    await Promise.all(threads.map((thread) => thread.end()));
  }
  const boosters = results.map(({ model }, column) => library.load(model, names[column]));
  const history = results.map((result) => result.history);
  return treesOf(library, names, boosters, { history, notices });
}

/** One column, with weight 0 where it is not known. */
function targetsOf(
  name: string,
  column: number,
  width: number,
  train: BoostData,
  val?: BoostData,
): LearningTask & { readonly notices: readonly string[] } {
  const notices: string[] = [];
  const learned = columnOf(train, column, width);
  const judged = val && columnOf(val, column, width);
  if (learned.known.length === 0) {
    notices.push(`nothing is known of ${name} in the training data: its trees say 0`);
  } else if (learned.known.every((value) => value === learned.known[0])) {
    notices.push(
      `${name} is ${Number(learned.known[0].toPrecision(6))} for every galaxy that is learned from: its trees say that`,
    );
  }
  if (judged?.known.length === 0) {
    notices.push(`nothing is known of ${name} in the validation data: it gets all rounds`);
  }
  return {
    train: learned.target,
    ...(judged && judged.known.length > 0 && { val: judged.target }),
    notices,
  };
}

function columnOf({ targets, features: { rows } }: BoostData, column: number, width: number) {
  const given = Float32Array.from({ length: rows }, (_, row) => targets[row * width + column]);
  const known = given.filter((value) => !Number.isNaN(value));
  const values = given.map((value) => (Number.isNaN(value) ? 0 : value));
  const weights = given.map((value) => (Number.isNaN(value) ? 0 : 1));
  const partly = known.length > 0 && known.length < rows;
  const target: Target = partly ? [values, weights] : [values];
  return { target, known };
}

function checkShapes(
  names: readonly string[],
  { features, targets }: BoostData,
  width = features.width,
): void {
  if (targets.length !== features.rows * names.length) {
    throw new UserError(
      `there are ${targets.length} targets for ${features.rows} galaxies and ${names.length} answers`,
      `give ${features.rows * names.length}: one an answer of each galaxy`,
    );
  }
  if (features.width !== width) {
    throw new UserError(
      `the validation data have ${features.width} features, the training data ${width}`,
      "take both from the same network",
    );
  }
  const infinite = targets.find((value) => Math.abs(value) === Number.POSITIVE_INFINITY);
  if (infinite !== undefined) {
    throw new UserError(`a target is ${infinite}`, "give finite numbers, or NaN where not known");
  }
}

/**
 * Boosters of known answers as one.
 *
 * @param boosters One an answer.
 */
export function treesOf(
  library: BoosterLibrary,
  names: readonly string[],
  boosters: readonly Booster[],
  { history = [], notices = [] }: Partial<Pick<BoostedTrees, "history" | "notices">> = {},
): BoostedTrees {
  return {
    library,
    names,
    boosters,
    history,
    notices,
    async predict(features) {
      const answers = new Float64Array(features.rows * names.length);
      for (const [column, booster] of boosters.entries()) {
        const own = await booster.predict(features);
        for (const [row, value] of own.entries()) answers[row * names.length + column] = value;
      }
      return answers;
    },
    importance() {
      const all = boosters.map((booster) => booster.importance());
      const sums = all[0].map((_, i) => all.reduce((sum, gains) => sum + gains[i], 0));
      const total = sums.reduce((a, b) => a + b, 0);
      return total > 0 ? sums.map((gain) => gain / total) : sums;
    },
    dispose: () => {
      for (const booster of boosters) booster.dispose();
    },
  };
}
