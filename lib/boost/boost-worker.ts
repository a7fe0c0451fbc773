/** What runs on each thread of {@link BoostThread}. */
import { parentPort, workerData } from "node:worker_threads";
import { UserError } from "../core/errors";
import type {
  BoosterHistory,
  LearnedBooster,
  LearningTask,
  MatrixPlace,
  ThreadData,
  ThreadMessage,
} from "./boost-thread";
import type { BinnedData } from "./booster-library";
import { boosterLibrary } from "./registry";

const { library: name, config, train, val, stop } = workerData as ThreadData;
const library = boosterLibrary(name);
const matrix = (place: MatrixPlace) => ({ ...place, owner: undefined, notices: [] });
const tell = (message: ThreadMessage) => parentPort?.postMessage(message);

let binned: { readonly train: BinnedData; readonly val?: BinnedData } | undefined;

/** Features are binned when the first answer is to be learned. */
function data(): NonNullable<typeof binned> {
  if (binned === undefined) {
    const own = library.bin(matrix(train), config);
    binned = { train: own };
    if (val !== undefined) binned = { train: own, val: library.bin(matrix(val), config, own) };
  }
  return binned;
}

/** @returns undefined when it was stopped */
function learn(task: LearningTask): LearnedBooster | undefined {
  const { train, val } = data();
  train.setTarget(...task.train);
  if (task.val !== undefined) val?.setTarget(...task.val);
  const training = library.begin(config, train, task.val && val);
  const history = { train: [] as number[], val: [] as number[] } satisfies BoosterHistory;
  const { rounds, patience } = config;
  let best = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      if (Atomics.load(stop, 0) !== 0) return undefined;
      const finished = training.update();
      const [trainLoss, valLoss] = training.losses();
      history.train.push(trainLoss);
      if (valLoss !== undefined) history.val.push(valLoss);
      // Without validation the last round is the best one.
      if (valLoss === undefined || valLoss < history.val[best]) best = round;
      const exhausted = valLoss !== undefined && patience > 0 && round - best >= patience;
      const last = finished || exhausted;
      tell({ rounds: last ? rounds - round : 1 });
      if (last) break;
    }
    const booster = training.finish(best + 1);
    const model = booster.serialize();
    booster.dispose();
    return { model, history };
  } finally {
    training.dispose();
  }
}

parentPort?.on("message", (task: LearningTask | "end") => {
  if (task === "end") {
    // Validation data refer to the training data's bins.
    binned?.val?.dispose();
    binned?.train.dispose();
    parentPort?.close();
    return;
  }
  try {
    const learned = learn(task);
    tell(learned === undefined ? { stopped: true } : { learned });
  } catch (error) {
    const known = error instanceof UserError;
    tell({
      error: known ? { problem: error.problem, remedy: error.remedy } : { problem: String(error) },
    });
  }
});
