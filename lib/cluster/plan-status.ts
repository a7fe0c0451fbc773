import type { PlanFolder } from "./plan-folder";
import type { Runner } from "./runner";

/** How a unit is. */
export interface UnitStatus {
  /** Its name. */
  readonly name: string;
  /**
   * `started`: on this machine it runs; elsewhere it may wait for a place. `stopped`: it did not fail, and
   * the next submit starts it again.
   */
  readonly state: "waiting" | "started" | "stopped" | "done" | "failed";
  /** How many times it was started. */
  readonly attempts: number;
  /** Of one that is done: how long it took. */
  readonly seconds?: number;
  /** Of one that is done: the most memory that its process had, bytes. */
  readonly peakMemory?: number;
  /** Of one that is done: the machine. */
  readonly host?: string;
  /** Of one that failed: why, in a sentence. */
  readonly reason?: string;
  /** Of one that failed: the end of what it printed. */
  readonly log?: string;
}

/** How far a plan is. */
export interface PlanStatus {
  /** What it is of. */
  readonly kind: string;
  /** How many units are in each state. */
  readonly counts: Readonly<Record<UnitStatus["state"], number>>;
  /** Each unit, in the plan's order. */
  readonly units: readonly UnitStatus[];
}

/**
 * How far a plan is, by what its folder holds.
 *
 * @param runner Asked about units that were started and have not ended by the notes. Default: none is.
 * @throws UserError when there is no plan
 */
export async function planStatus(folder: PlanFolder, runner?: Runner): Promise<PlanStatus> {
  const { kind, units } = folder.read();
  const started = units.flatMap((unit) => {
    const attempt = folder.attempt(unit);
    return attempt && !attempt.failed && !attempt.stopped && attempt.runner === runner?.name
      ? [attempt.handle]
      : [];
  });
  const states = started.length > 0 ? await runner?.poll(started) : undefined;
  const listed = units.map((unit): UnitStatus => {
    const { name } = unit;
    const [done, attempt] = [folder.done(unit), folder.attempt(unit)];
    const attempts = attempt?.number ?? 0;
    if (done) {
      const { seconds, peakMemory, host } = done;
      return { name, state: "done", attempts, seconds, peakMemory, host };
    }
    if (attempt === undefined) return { name, state: "waiting", attempts };
    if (attempt.stopped) return { name, state: "stopped", attempts };
    const now = states?.get(attempt.handle);
    const reason = attempt.failed ?? (now?.state === "ended" ? (now.reason ?? "ended") : undefined);
    if (reason === undefined) return { name, state: "started", attempts };
    return { name, state: "failed", attempts, reason, log: folder.logTail(name) };
  });
  const count = (state: UnitStatus["state"]) => listed.filter((one) => one.state === state).length;
  return {
    kind,
    counts: {
      waiting: count("waiting"),
      started: count("started"),
      stopped: count("stopped"),
      done: count("done"),
      failed: count("failed"),
    },
    units: listed,
  };
}
