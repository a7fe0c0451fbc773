import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { UserError } from "../core/errors";
import type { BoostMatrix } from "./boost-matrix";
import type { BoostConfig } from "./boost-settings";

/** What one answer is, of each galaxy; weights are 0 where it is not known. Default: it is known of all. */
export type Target = readonly [values: Float32Array, weights?: Float32Array];

/** One answer to be learned. */
export interface LearningTask {
  /** Of the galaxies that are learned from. */
  readonly train: Target;
  /** Of those that say when to stop. Default: none do. */
  readonly val?: Target;
}

/** How the trees of one answer were learned. */
export interface BoosterHistory {
  /** Loss on the training data after each round. */
  readonly train: readonly number[];
  /** The same on the validation data; empty where there are none. */
  readonly val: readonly number[];
}

/** What became of a {@link LearningTask}. */
export interface LearnedBooster {
  /** Its file. */
  readonly model: Uint8Array;
  /** A value a round. */
  readonly history: BoosterHistory;
}

/** Where features lie. */
export type MatrixPlace = Pick<BoostMatrix, "rows" | "width" | "address">;

/** What a thread works with. */
export interface ThreadData {
  /** Name of the library. */
  readonly library: string;
  /** Its `threads` are those of one booster. */
  readonly config: BoostConfig;
  /** Features that are learned from. */
  readonly train: MatrixPlace;
  /** Features of the validation data. Default: none. */
  readonly val?: MatrixPlace;
  /** Its one value is not 0 when learning should end. */
  readonly stop: Int32Array;
}

/** What a thread says. */
export type ThreadMessage =
  | { readonly rounds: number }
  | { readonly learned: LearnedBooster }
  | { readonly stopped: true }
  | { readonly error: { readonly problem: string; readonly remedy?: string } };

/** A thread that learns one answer after another from the same features. */
export class BoostThread {
  private readonly worker: Worker;
  private readonly gone: Promise<unknown>;
  private readonly stopping = new Int32Array(new SharedArrayBuffer(4));
  /** Whoever owns the features' memory lives as long as the thread. */
  private readonly owners: readonly unknown[];

  constructor({
    train,
    val,
    ...data
  }: Omit<ThreadData, "stop" | "train" | "val"> & {
    readonly train: BoostMatrix;
    readonly val?: BoostMatrix;
  }) {
    const place = ({ rows, width, address }: BoostMatrix) => ({ rows, width, address });
    const workerData: ThreadData = {
      ...data,
      train: place(train),
      val: val && place(val),
      stop: this.stopping,
    };
    this.owners = [train.owner, val?.owner];
    this.worker = new Worker(join(__dirname, "boost-worker.js"), { workerData });
    this.gone = new Promise((done) => this.worker.once("exit", done));
  }

  /**
   * Learn an answer.
   *
   * @param onRounds Told how many rounds more are done, or need not be done.
   * @throws UserError with the library's own message
   */
  learn(task: LearningTask, onRounds: (rounds: number) => void): Promise<LearnedBooster> {
    return new Promise((done, fail) => {
      const { worker } = this;
      const settle = (act: () => void) => {
        worker.off("message", hear);
        worker.off("error", fail);
        act();
      };
      const hear = (message: ThreadMessage) => {
        if ("rounds" in message) onRounds(message.rounds);
        else if ("learned" in message) settle(() => done(message.learned));
        else if ("stopped" in message) settle(() => fail(new Error("stopped")));
        else {
          const { problem, remedy } = message.error;
          settle(() =>
            fail(remedy === undefined ? new Error(problem) : new UserError(problem, remedy)),
          );
        }
      };
      worker.on("message", hear);
      worker.on("error", fail);
      this.gone.then(() => fail(new Error("the thread that boosts trees has ended")));
      worker.postMessage(task);
    });
  }

  /** End what is being learned after the round under way. */
  stop(): void {
    Atomics.store(this.stopping, 0, this.owners.length);
  }

  /** Free everything, and wait until that is done. */
  async end(): Promise<void> {
    this.worker.postMessage("end");
    await this.gone;
  }
}
