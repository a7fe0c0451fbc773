import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { VERSION } from "../core/version";

const unitSchema = z.strictObject({
  /** Of its folder in the plan's, and of its job. */
  name: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u, "a name of letters, digits, . _ -"),
  /** What `tuning-fork` is called with. Calling it twice changes nothing. */
  args: z.array(z.string()).min(1),
  /** The file that says that the call is done: it appears whole, by a rename. */
  output: z.string(),
  /** Of all that the output depends on: see {@link unitKey}. */
  key: z.string(),
  /** Of a part of a table: its rows. Default: it is none. */
  rows: z
    .strictObject({
      /** How many. */
      count: z.int().positive(),
      /** SHA-256 of their ids, each followed by a line's end. */
      ids: z.string(),
    })
    .optional(),
});

/** One call of `tuning-fork` that makes one output, on whichever machine. */
export type Unit = z.output<typeof unitSchema>;

/** What a plan's file holds. */
export const planSchema = z
  .strictObject({
    /** The version that made it: units are not run by another one. */
    version: z.string(),
    /** Tells its jobs from those of other plans. */
    id: z.string(),
    /** One of `planKinds`. */
    kind: z.string(),
    /** What the kind keeps for itself. */
    settings: z.record(z.string(), z.unknown()),
    /** Folder from which the units are called. */
    folder: z.string(),
    /** What is to be done: no two of one name, or of one output. */
    units: z.array(unitSchema).min(1),
  })
  .superRefine(({ units }, context) => {
    for (const key of ["name", "output"] as const) {
      const seen = new Set<string>();
      const twice = units.findIndex((unit) => seen.size === seen.add(unit[key]).size);
      if (twice < 0) continue;
      const message = `two units have the ${key} "${units[twice][key]}"`;
      context.addIssue({ code: "custom", path: ["units", twice, key], message });
    }
  });

/** Units of work that together make something, and where they are run from. */
export type Plan = z.output<typeof planSchema>;

/** Where a plan's parts stand, and what it is of: the rest is filled in by {@link createPlan}. */
export type PlanParts = Pick<Plan, "kind" | "settings" | "units">;

/** A plan of this version, run from the working folder. */
export function createPlan(parts: PlanParts, id: string = randomBytes(4).toString("hex")): Plan {
  return { version: VERSION, id, folder: process.cwd(), ...parts };
}

/**
 * The key of a unit: the same only for the same call with the same inputs.
 *
 * @param args Of the call.
 * @param inputs What else the output depends on: digests of files, settings. As JSON.
 */
export function unitKey(args: readonly string[], inputs: unknown): string {
  const text = JSON.stringify({ args, inputs });
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
