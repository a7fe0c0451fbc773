import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../core/errors";
import { makeFolder } from "../io/atomic";
import { acquireLock, breakLock } from "../io/lock";
import { packageFolder } from "../io/paths";
import { createPlan, type Plan, type PlanParts, type Unit } from "./plan";
import type { PlanFolder } from "./plan-folder";
import { planKinds } from "./registry";
import type { Job, JobState, Runner } from "./runner";

/** How the units of a plan are run. */
export interface SubmitOptions {
  /** How many times a unit that failed is tried again. Default 2. */
  readonly retries?: number;
  /** Ends the waiting; its reason is thrown. Units that run on this machine are stopped. Default: none. */
  readonly signal?: AbortSignal;
  /** Told what becomes of units. Default: nobody is told. */
  readonly onEvent?: (event: UnitEvent) => void;
  /** Makes the plan, in the place of one that is there. Default: that one. */
  readonly make?: () => PlanParts | Promise<PlanParts>;
  /** How often it is looked how units are, seconds. Default 0.25 on this machine, 2 elsewhere. */
  readonly pollSeconds?: number;
  /** The program that runs a unit, to which the plan's folder and the unit's name are given. Default: `tuning-fork cluster unit`. */
  readonly command?: readonly string[];
}

/** What became of a unit. */
export interface UnitEvent {
  /** Its name. */
  readonly unit: string;
  /** `again`: it failed and is to be tried again; `failed`: it is given up. */
  readonly what: "started" | "done" | "again" | "failed";
  /** Of one that failed: why, in a sentence. */
  readonly reason?: string;
  /** How many units of the plan are done by now. */
  readonly done: number;
  /** How many the plan has. */
  readonly total: number;
}

/** The program that runs a unit on any machine that has this project at the same place. */
const unitCommand = (): string[] => [
  process.execPath,
  join(packageFolder, "bin", "tuning-fork.js"),
  ...["cluster", "unit"],
];

/**
 * An attempt at a unit as a runner takes it; the unit's folder is made.
 *
 * @param number Which attempt, from 1.
 * @param command As {@link SubmitOptions.command}.
 */
export function jobOf(
  folder: PlanFolder,
  { id }: Plan,
  { name }: Unit,
  number: number,
  command: readonly string[] = unitCommand(),
): Job {
  makeFolder(folder.unitPath(name));
  return {
    id: `tuning-fork-${id}-${name}-${number}`,
    command: [...command, folder.path, name],
    log: folder.logPath(name),
  };
}

/** One unit that is to be done. */
interface Open {
  readonly unit: Unit;
  /** Attempts of this submit. */
  attempts: number;
  handle?: string;
}

/**
 * Do what is missing of a plan: units whose output stands are kept, those that an earlier submit started
 * and that still run are waited for, the others are started. One that fails is tried again; the others go
 * on meanwhile.
 *
 * @returns names of the units that failed
 * @throws UserError when another process is at it, or the runner cannot be asked; whatever the signal was
 *   aborted with
 */
export async function submitPlan(
  folder: PlanFolder,
  runner: Runner,
  options: SubmitOptions = {},
): Promise<string[]> {
  const release = acquireLock(folder.lockPath, `the plan in ${folder.path}`);
  try {
    rmSync(folder.stopPath, { force: true });
    if (options.make) writePlan(folder, await options.make());
    const failed: string[] = [];
    for (;;) {
      const plan = folder.read();
      const open = plan.units.filter((unit) => folder.done(unit) === undefined);
      const own = open.filter(({ name }) => !failed.includes(name));
      const submission = new Submission(folder, plan, runner, options);
      failed.push(...(await submission.run(own, plan.units.length - open.length)));
      const more = (await planKinds[plan.kind]?.next?.(folder, plan)) ?? [];
      if (more.length === 0) return failed;
      folder.write({ ...plan, units: [...plan.units, ...more] });
    }
  } finally {
    release();
  }
}

/** Units that are the same as before keep what was noted about them. */
function writePlan(folder: PlanFolder, parts: PlanParts): void {
  const before = folder.exists ? folder.read() : undefined;
  if (before !== undefined && before.kind !== parts.kind) {
    throw new UserError(
      `${folder.path} holds a plan of another kind: ${before.kind}, not ${parts.kind}`,
      "give another folder",
    );
  }
  folder.write(createPlan(parts, before?.id));
}

class Submission {
  private readonly running: Open[] = [];
  private readonly failed: string[] = [];
  private done = 0;

  constructor(
    private readonly folder: PlanFolder,
    private readonly plan: Plan,
    private readonly runner: Runner,
    private readonly options: SubmitOptions,
  ) {}

  /**
   * @param units What is to be done.
   * @param done How many are.
   */
  async run(units: readonly Unit[], done: number): Promise<string[]> {
    this.done = done;
    const waiting: Open[] = [];
    for (const unit of units) {
      const before = this.folder.attempt(unit);
      const goesOn = before?.runner === this.runner.name && !before.failed && !before.stopped;
      if (goesOn) this.running.push({ unit, attempts: 1, handle: before.handle });
      else waiting.push({ unit, attempts: 0 });
    }
    const { pollSeconds = this.runner.detached ? 2 : 0.25 } = this.options;
    try {
      for (;;) {
        this.throwIfStopped();
        waiting.push(...(await this.look()));
        while (waiting.length > 0 && this.running.length < this.runner.slots) {
          this.throwIfStopped();
          await this.start(waiting.shift() as Open);
        }
        if (this.running.length === 0) return this.failed;
        await sleep(1000 * pollSeconds, undefined, { signal: this.options.signal }).catch(() => {});
      }
    } catch (error) {
      const wanted = existsSync(this.folder.stopPath);
      if (wanted || !this.runner.detached) await this.stopAll();
      if (wanted) rmSync(this.folder.stopPath, { force: true });
      throw error;
    }
  }

  private throwIfStopped(): void {
    this.options.signal?.throwIfAborted();
    if (!existsSync(this.folder.stopPath)) return;
    throw new UserError(
      `the plan in ${this.folder.path} was stopped`,
      "submit it again to go on with what is missing",
    );
  }

  private async start(open: Open): Promise<void> {
    const { unit } = open;
    const { command } = this.options;
    const number = (this.folder.attempt(unit)?.number ?? 0) + 1;
    const handle = await this.runner.start(jobOf(this.folder, this.plan, unit, number, command));
    this.folder.writeAttempt(unit, { number, runner: this.runner.name, handle });
    open.handle = handle;
    open.attempts++;
    this.running.push(open);
    this.tell(unit, "started");
  }

  /** @returns units that ended without their output and are to be tried again */
  private async look(): Promise<Open[]> {
    if (this.running.length === 0) return [];
    const states = await this.runner.poll(this.running.map(({ handle = "" }) => handle));
    const again: Open[] = [];
    for (const open of this.running.splice(0)) {
      const state = states.get(open.handle ?? "") ?? { state: "ended" };
      if (state.state !== "ended") this.running.push(open);
      else if (this.folder.done(open.unit)) this.tell(open.unit, "done");
      else if (this.isOver(open, state)) this.failed.push(open.unit.name);
      else again.push(open);
    }
    return again;
  }

  /** Whether a unit that failed is given up. */
  private isOver({ unit, attempts, handle = "" }: Open, { reason = "ended" }: JobState): boolean {
    const { retries = 2 } = this.options;
    const process = this.folder.process(unit);
    // A machine that is gone cannot give its lock back, and no other sees that its process has ended.
    if (process) breakLock(join(dirname(unit.output), "lock"), process);
    const over = attempts > retries;
    const number = this.folder.attempt(unit)?.number ?? 1;
    const attempt = { number, runner: this.runner.name, handle, failed: reason };
    this.folder.writeAttempt(unit, attempt);
    this.tell(unit, over ? "failed" : "again", reason);
    return over;
  }

  private async stopAll(): Promise<void> {
    await Promise.all(
      this.running.map(async ({ unit, handle = "" }) => {
        await this.runner.stop(handle);
        const number = this.folder.attempt(unit)?.number ?? 1;
        const attempt = { number, runner: this.runner.name, handle, stopped: true };
        this.folder.writeAttempt(unit, attempt);
      }),
    );
  }

  private tell(unit: Unit, what: UnitEvent["what"], reason?: string): void {
    if (what === "done") this.done++;
    const total = this.plan.units.length;
    this.options.onEvent?.({ unit: unit.name, what, reason, done: this.done, total });
  }
}
