import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors";
import { writeFileAtomic } from "../io/atomic";
import { type Plan, planSchema, type Unit } from "./plan";

const doneSchema = z.object({
  /** The unit's, as it was then. */
  key: z.string(),
  /** Size of its output, bytes. */
  bytes: z.int().min(0),
  /** Name of the machine. */
  host: z.string(),
  /** From the call to its end, seconds. */
  seconds: z.number(),
  /** The most memory that its process had, bytes. */
  peakMemory: z.number(),
});

/** What a unit notes when its output stands. */
export type Done = z.output<typeof doneSchema>;

const attemptSchema = z.object({
  /** The unit's, as it was then. */
  key: z.string(),
  /** How many times it was started, this one included. */
  number: z.int().positive(),
  /** Name of the runner. */
  runner: z.string(),
  /** By which the runner knows it. */
  handle: z.string(),
  /** Why it was given up, in a sentence. Default: it was not. */
  failed: z.string().optional(),
  /** Whether it was ended by the one who had started it, or by `cluster stop`. Default false. */
  stopped: z.boolean().optional(),
});

/** The last time that a unit was started. */
export type Attempt = z.output<typeof attemptSchema>;

const processSchema = z.object({
  /** Name of the machine. */
  host: z.string(),
  /** Number of the process there. */
  pid: z.int(),
});

/** The process that works on a unit, or did. */
export type UnitProcess = z.output<typeof processSchema>;

/**
 * The folder of a plan: `plan.json`, and for each unit `units/NAME/` with what was noted about it. Any
 * process that sees the folder, on whichever machine, sees how far the plan is.
 */
export class PlanFolder {
  /** Absolute. */
  readonly path: string;

  /** @param path The folder; it need not be there. */
  constructor(path: string) {
    this.path = resolve(path);
  }

  /** The plan. */
  get planPath(): string {
    return join(this.path, "plan.json");
  }
  /** Held by the process that starts the plan's units. */
  get lockPath(): string {
    return join(this.path, "plan.lock");
  }
  /** Where it stands, whoever starts the plan's units is to stop them. */
  get stopPath(): string {
    return join(this.path, "stop");
  }
  /** A file of a unit. */
  unitPath(name: string, ...parts: readonly string[]): string {
    return join(this.path, "units", name, ...parts);
  }
  /** What a unit has printed, over all attempts. */
  logPath(name: string): string {
    return this.unitPath(name, "log.txt");
  }

  /** Whether there is a plan. */
  get exists(): boolean {
    return existsSync(this.planPath);
  }

  /** @throws UserError when there is no plan, or it is damaged */
  read(): Plan {
    if (!this.exists) {
      throw new UserError(
        `there is no plan in ${this.path}`,
        "give the folder that `tuning-fork cluster submit … --out FOLDER` made",
      );
    }
    const plan = planSchema.safeParse(parsed(this.planPath));
    if (plan.success) return plan.data;
    const [{ path, message }] = plan.error.issues;
    throw new UserError(
      `${this.planPath} is no plan: ${path.join(".")}: ${message}`,
      "submit it again; finished units are kept",
    );
  }

  /** Put a plan in the place of the one that is there. */
  write(plan: Plan): void {
    writeFileAtomic(this.planPath, `${JSON.stringify(plan, null, 1)}\n`);
  }

  /** What a unit noted at its end, if its output still is what it was then. */
  done({ name, key, output }: Unit): Done | undefined {
    const done = doneSchema.safeParse(parsed(this.unitPath(name, "done.json"))).data;
    const bytes = statSync(output, { throwIfNoEntry: false })?.size;
    return done?.key === key && done.bytes === bytes ? done : undefined;
  }

  /** Note that a unit's output stands. */
  writeDone({ name, key, output }: Unit, how: Omit<Done, "key" | "bytes">): void {
    const done: Done = { key, bytes: statSync(output).size, ...how };
    writeFileAtomic(this.unitPath(name, "done.json"), `${JSON.stringify(done)}\n`);
  }

  /** The last attempt at a unit as it now is. */
  attempt({ name, key }: Unit): Attempt | undefined {
    const attempt = attemptSchema.safeParse(parsed(this.unitPath(name, "attempt.json"))).data;
    return attempt?.key === key ? attempt : undefined;
  }

  /** Note how a unit was started, or that it was given up. */
  writeAttempt({ name, key }: Unit, attempt: Omit<Attempt, "key">): void {
    const note: Attempt = { key, ...attempt };
    writeFileAtomic(this.unitPath(name, "attempt.json"), `${JSON.stringify(note)}\n`);
  }

  /** The process that works on a unit, or was the last to do so. */
  process({ name }: Unit): UnitProcess | undefined {
    return processSchema.safeParse(parsed(this.unitPath(name, "process.json"))).data;
  }

  /** Note who works on a unit. */
  writeProcess({ name }: Unit, by: UnitProcess): void {
    writeFileAtomic(this.unitPath(name, "process.json"), `${JSON.stringify(by)}\n`);
  }

  /**
   * The end of what a unit has printed.
   *
   * @param lines How many at most. Default: 12.
   */
  logTail(name: string, lines = 12): string {
    const path = this.logPath(name);
    if (!existsSync(path)) return "";
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const from = Math.max(0, size - 400 * lines);
      const bytes = Buffer.alloc(size - from);
      const read = readSync(file, bytes, 0, bytes.length, from);
      const text = bytes.subarray(0, read).toString("utf8").trimEnd();
      return text.split("\n").slice(-lines).join("\n");
    } finally {
      closeSync(file);
    }
  }
}

/** What a file of JSON holds; nothing where it is missing or damaged. */
function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
