import { UserError } from "../core/errors";
import type { ExperimentConfig } from "./config";
import type { RunFolder } from "./run-folder";

/** Where an experiment stands. */
export interface ExperimentState {
  /** `changed`: the folder holds a run of other settings. */
  readonly state: "new" | "interrupted" | "changed" | "finished";
  /** For `changed`: the keys, as `key: before → after`. */
  readonly differences: readonly string[];
}

/** Where an experiment stands, by what its folder holds. @throws UserError when a file of it is damaged */
export function experimentState(config: ExperimentConfig, run: RunFolder): ExperimentState {
  if (run.status === "absent") return { state: "new", differences: [] };
  const differences = run.differencesFrom(config);
  // How a model is asked is no part of its training.
  const trained = differences.filter((difference) => !difference.startsWith("predict"));
  if (trained.length > 0) return { state: "changed", differences: trained };
  const finished = run.status === "complete" && differences.length === 0;
  return { state: finished ? "finished" : "interrupted", differences };
}

/**
 * What to do where the folder holds a run: `resume` goes on with it, and refuses one of other settings;
 * `restart` begins anew; `auto` goes on with a run of the same settings and begins anew with another.
 */
export type IfExists = "resume" | "restart" | "auto";

/**
 * Whether training begins with fresh weights.
 *
 * @throws UserError when a run of other settings is to be resumed
 */
export function beginsAnew(
  { state, differences }: ExperimentState,
  ifExists: IfExists,
  run: RunFolder,
): boolean {
  if (state === "new" || ifExists === "restart") return true;
  if (state !== "changed") return false;
  if (ifExists === "auto") return true;
  throw new UserError(
    `${run.path} holds a run with another config: ${differences.join("; ")}`,
    "restart it, set the values back, or give another folder",
  );
}
