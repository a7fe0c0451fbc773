import { z } from "zod";
import { Random } from "../core/random";
import type { SweepParameter } from "../evaluate/sweep-table";
import { type ExperimentConfig, experimentSchema, parseConfig } from "../train/config";
import { type ConfigFileOptions, readSettings } from "../train/config-file";
import { withAssignments } from "../train/merge-settings";
import { choice, count, settings, shareBelowOne } from "../train/settings";

const listSchema = z.array(z.union([z.string(), z.number(), z.boolean()])).min(1);

const rangeSchema = settings({
  /** The smallest value. */
  min: z.number(),
  /** The largest value. */
  max: z.number(),
  /** `log` draws factors evenly, for what spans powers of ten. */
  scale: z.enum(["linear", "log"]).default("linear"),
  /** Whole numbers alone. */
  integer: z.boolean().default(false),
  /** How many values a grid takes of it. Needed for a grid, and for it alone. */
  points: count.min(2).optional(),
}).superRefine(({ min, max, scale }, context) => {
  const issue = (message: string) => context.addIssue({ code: "custom", path: ["min"], message });
  if (min >= max) issue(`${min} is not below max, ${max}`);
  else if (scale === "log" && min <= 0) issue(`${min} has no logarithm; expected a number above 0`);
});

/** Key of the settings → the values tried: a list, or an interval. */
const parameters = z
  .record(z.string(), z.union([listSchema, rangeSchema]))
  .refine((all) => Object.keys(all).length > 0, "expected a key of the settings and its values");

/** Of the trials' draw. */
const seed = z.int().default(42);
/** How many trials are drawn. */
const trials = count.min(2);

const shapes = {
  /** Every combination. */
  grid: { parameters },
  /** Combinations at random. */
  random: { parameters, trials, seed },
  /** Random ones, of which only the best train on. */
  halving: {
    parameters,
    trials,
    seed,
    /** `train.epochs` of each round, rising. */
    epochs: z
      .array(count)
      .min(2)
      .refine((all) => all.every((n, i) => i === 0 || n > all[i - 1]), "expected rising numbers"),
    /** Which share of a round's trials the next one begins with. */
    keep: shareBelowOne.default(1 / 3),
  },
};

const sweepSchema = z
  .discriminatedUnion("name", [
    choice("grid", shapes),
    choice("random", shapes),
    choice("halving", shapes),
  ])
  .superRefine(({ name, parameters: all }, context) => {
    for (const [key, values] of Object.entries(all)) {
      if (Array.isArray(values) || (values.points !== undefined) === (name === "grid")) continue;
      const message =
        name === "grid"
          ? "a grid needs points, how many values it takes, or a list of values"
          : `points has no effect on ${name}`;
      context.addIssue({ code: "custom", path: ["parameters", key, "points"], message });
    }
  });

type Values = z.output<typeof parameters>[string];

/** One training of a sweep that is to be done. */
export interface SweepCandidate {
  /** Of its run's folder. */
  readonly name: string;
  /** What each parameter is, in the file's order. */
  readonly values: readonly (string | number | boolean)[];
  /** What is run. */
  readonly config: ExperimentConfig;
}

/** A sweep's file: what is tried, and how. */
export interface Sweep {
  /** In the file's order. */
  readonly parameters: readonly SweepParameter[];
  /** Rounds of successive halving: epochs of each. Default: one round, of the file's epochs. */
  readonly rounds?: readonly number[];
  /** How many of the trials a round begins with. */
  readonly keep: (trials: number) => number;
  /** The trials of the first round, or all there are. */
  readonly first: readonly SweepCandidate[];
  /** A trial of the first round in a later one. */
  again(name: string, epochs: number): SweepCandidate;
}

/**
 * Read a sweep: an experiment, and under `sweep` which of its settings take which values: `name: grid`,
 * `random` (Bergstra & Bengio 2012, JMLR 13, 281), or `halving` (successive halving, Jamieson & Talwalkar
 * 2016, arXiv:1502.07943: each round trains the best of the last one anew, for more epochs).
 *
 * @throws UserError naming the file and each key that is wrong
 */
export function loadSweep(path: string, options: ConfigFileOptions = {}): Sweep {
  const { set = [] } = options;
  const own = (assignment: string) => /^sweep[.=]/.test(assignment);
  const { sweep: given, ...common } = readSettings(path, { ...options, set: set.filter(own) });
  const sweep = parseConfig(sweepSchema, given, `${path}, sweep`);
  const last = set.filter((assignment) => !own(assignment));
  const keys = Object.keys(sweep.parameters);
  const drawn = sweep.name === "grid" ? grid(sweep.parameters) : draw(sweep.parameters, sweep);
  const digits = String(drawn.length).length;
  const rounds = sweep.name === "halving" ? sweep.epochs : undefined;
  const candidate = (trial: number, epochs?: number): SweepCandidate => {
    const base = `trial-${String(trial + 1).padStart(digits, "0")}`;
    const name = epochs === undefined ? base : `${base}-epochs-${epochs}`;
    const assignments = [
      ...keys.map((key, i) => `${key}=${JSON.stringify(drawn[trial][i])}`),
      ...(epochs === undefined ? [] : [`train.epochs=${epochs}`]),
      ...last,
    ];
    const config = parseConfig(
      experimentSchema,
      withAssignments(common, assignments),
      `${path}, ${name}`,
    );
    return { name, values: drawn[trial], config };
  };
  return {
    parameters: keys.map((name) => {
      const values = sweep.parameters[name];
      return { name, scale: Array.isArray(values) ? "list" : values.scale };
    }),
    rounds,
    keep: (trials) => (sweep.name === "halving" ? Math.max(1, Math.ceil(sweep.keep * trials)) : 0),
    first: drawn.map((_, trial) => candidate(trial, rounds?.[0])),
    again: (name, epochs) => candidate(Number(/^trial-(\d+)/.exec(name)?.[1]) - 1, epochs),
  };
}

type Combination = (string | number | boolean)[];

function grid(all: Readonly<Record<string, Values>>): Combination[] {
  return Object.values(all).reduce<Combination[]>(
    (combinations, values) =>
      combinations.flatMap((combination) => gridValues(values).map((one) => [...combination, one])),
    [[]],
  );
}

function gridValues(values: Values): Combination {
  if (Array.isArray(values)) return values;
  const { points = 2 } = values;
  const made = Array.from({ length: points }, (_, i) => within(values, i / (points - 1)));
  return [...new Set(made)];
}

function draw(
  all: Readonly<Record<string, Values>>,
  { trials: number, seed: own }: { readonly trials: number; readonly seed: number },
): Combination[] {
  // Each parameter has a stream of its own: another one more does not change its values.
  const columns = Object.entries(all).map(([key, values]) => {
    const random = new Random(own, `sweep ${key}`);
    return Array.from({ length: number }, () =>
      Array.isArray(values)
        ? values[random.integer(values.length)]
        : within(values, random.uniform()),
    );
  });
  return Array.from({ length: number }, (_, trial) => columns.map((column) => column[trial]));
}

/** The value so far (0 … 1) into an interval, to four digits. */
function within({ min, max, scale, integer }: Exclude<Values, unknown[]>, share: number): number {
  const value = scale === "log" ? min * (max / min) ** share : min + share * (max - min);
  const short = integer ? Math.round(value) : Number(value.toPrecision(4));
  return Math.min(max, Math.max(min, short));
}
