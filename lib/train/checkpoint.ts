import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors";
import { systemError } from "../core/system-errors";
import { makeFolder, writeFileAtomic } from "../io/atomic";

/** One epoch's row of the history. */
export const historyRowSchema = z.record(z.string(), z.number());
/** Name of a column → its value. */
export type HistoryRow = z.output<typeof historyRowSchema>;

/** Where a run stands, to the batch: everything that is not an array. */
const trainingStateSchema = z.object({
  /** Epochs that are done. */
  epoch: z.int().min(0),
  /** Batches of the epoch under way that are done; all of them where only its evaluation is left. */
  batch: z.int().min(0),
  /** Batches done since the run began. */
  step: z.int().min(0),
  /** Sum of the losses of this epoch's images so far. */
  lossSum: z.number(),
  /** Sum of the task's training score over them. */
  scoreSum: z.number(),
  /** Images of this epoch so far. */
  seen: z.number(),
  /** Spent in steps and evaluation, over all sittings. */
  seconds: z.number(),
  /** In how many parts each batch is computed side by side, which changes the last digits of all sums. */
  parts: z.int().min(1).default(1),
  /** One row for each epoch that is done. */
  history: z.array(historyRowSchema),
});
/** Where a run stands, to the batch. */
export type TrainingState = z.output<typeof trainingStateSchema>;

/**
 * Where a run begins.
 *
 * @param parts In how many parts each batch is computed side by side. Default 1.
 */
export function initialState(parts = 1): TrainingState {
  const counts = { epoch: 0, batch: 0, step: 0, lossSum: 0, scoreSum: 0, seen: 0 };
  return { ...counts, seconds: 0, parts, history: [] };
}

const fileSchema = z.object({ name: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const stateSchema = z.object({
  training: trainingStateSchema,
  files: z.record(z.string(), fileSchema),
});

/** A checkpoint on disk: where the training stood, and the verified path of each file. */
export interface Checkpoint {
  /** Where the training stood. */
  readonly training: TrainingState;
  /** Kind of file, such as `model` → its path. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Write a checkpoint folder.
 *
 * The arrays go to files named after the step, and only when they are safely on disk does
 * `state.json`, replaced in one move, point to them. A kill at any moment leaves the checkpoint
 * before or the one after.
 *
 * @param write One function a file, each given the path to write.
 */
export function saveCheckpoint(
  folder: string,
  training: TrainingState,
  write: Readonly<Record<string, (path: string) => void>>,
): void {
  makeFolder(folder);
  const files: Record<string, { name: string; sha256: string }> = {};
  for (const [kind, writer] of Object.entries(write)) {
    // Never over a file that the state before points to.
    const taken = existsSync(join(folder, `${kind}-${training.step}.safetensors`));
    const name = `${kind}-${training.step}${taken ? "-2" : ""}.safetensors`;
    const path = join(folder, name);
    writer(path);
    syncFile(path);
    files[kind] = { name, sha256: digestOf(path) };
  }
  writeFileAtomic(join(folder, "state.json"), JSON.stringify({ training, files }));
  const kept = new Set(["state.json", ...Object.values(files).map(({ name }) => name)]);
  for (const name of readdirSync(folder)) {
    if (!kept.has(name)) rmSync(join(folder, name), { force: true, recursive: true });
  }
}

/**
 * Open a checkpoint and check that its files are the ones written.
 *
 * @returns undefined when there is none
 * @throws UserError when it is there and damaged
 */
export function openCheckpoint(folder: string): Checkpoint | undefined {
  const statePath = join(folder, "state.json");
  if (!existsSync(statePath)) return undefined;
  const remedy = "start the run again with `restart`";
  let state: z.output<typeof stateSchema>;
  try {
    state = stateSchema.parse(JSON.parse(readFileSync(statePath, "utf8")));
  } catch (cause) {
    throw new UserError(`${statePath} is not a checkpoint's state`, remedy, { cause });
  }
  const files: Record<string, string> = {};
  for (const [kind, { name, sha256 }] of Object.entries(state.files)) {
    const path = join(folder, name);
    if (!existsSync(path)) throw new UserError(`${path} of the checkpoint is gone`, remedy);
    if (digestOf(path) !== sha256) {
      throw new UserError(`${path} is not what was written (its SHA-256 differs)`, remedy);
    }
    files[kind] = path;
  }
  return { training: state.training, files };
}

function syncFile(path: string): void {
  const descriptor = openSync(path, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** SHA-256 of a file, read in pieces. */
export function digestOf(path: string): string {
  const hash = createHash("sha256");
  const descriptor = openSync(path, "r");
  try {
    const piece = Buffer.alloc(1 << 22);
    for (;;) {
      const length = readSync(descriptor, piece);
      if (length === 0) return hash.digest("hex");
      hash.update(piece.subarray(0, length));
    }
  } catch (error) {
    throw systemError(error, path, "cannot be read");
  } finally {
    closeSync(descriptor);
  }
}
