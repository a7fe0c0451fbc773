import { z } from "zod";
import { type ExperimentConfig, experimentSchema, parseConfig } from "./config";
import { type ConfigFileOptions, readSettings } from "./config-file";
import { mergeSettings, withAssignments } from "./merge-settings";

const overlay = z.record(z.string(), z.unknown());

const rowSchema = z.strictObject({
  /** One of `models`. */
  model: z.string(),
  /** One of `regimes` each. */
  trainedOn: z.string(),
  /** One of `regimes`. */
  testedOn: z.string(),
  /** Published metrics beside which the row is shown, by name, such as `accuracy`. Default: none. */
  published: z.record(z.string(), z.number()).optional(),
});

const ablationSchema = z.strictObject({
  /** Each row is run once with each; the table has means and intervals over them. */
  seeds: z.array(z.int()).min(1).default([42]),
  /** Name in the table → what is laid over the file's experiment. */
  models: z.record(z.string(), overlay),
  /** Name in the table → how its classes, or what else the task's strata are, are balanced. */
  regimes: z.record(z.string(), z.enum(["none", "undersample", "oversample"])),
  rows: z.array(rowSchema).min(1),
});

/** A row of the table, and what its numbers are of. */
export interface AblationTestedRow {
  /** As the file has it. */
  readonly row: z.output<typeof rowSchema>;
  /** Tested on equally many galaxies of each class, or of what else the task's strata are. */
  readonly balanced: boolean;
}

/** One training of an ablation, with the rows of the table that it serves. */
export interface AblationTraining {
  /** Of its folder. */
  readonly name: string;
  /** What is run. */
  readonly config: ExperimentConfig;
  /** Rows of the table that are computed from it. */
  readonly rows: readonly AblationTestedRow[];
}

/**
 * Read an ablation: an experiment, and under `ablation` what each row changes about it.
 *
 * Rows that differ only in what they are tested on share a training. Assignments come last, so that none
 * is overruled by what a row changes.
 *
 * @throws UserError naming the file and each key that is wrong.
 */
export function loadAblation(path: string, options: ConfigFileOptions = {}): AblationTraining[] {
  const own = (assignment: string) => /^ablation[.=]/.test(assignment);
  const set = options.set ?? [];
  const { ablation, ...common } = readSettings(path, { ...options, set: set.filter(own) });
  const { seeds, models, regimes, rows } = parseConfig(
    ablationSchema.superRefine(checkNames),
    ablation,
    `${path}, ablation`,
  );
  const last = set.filter((assignment) => !own(assignment));
  const trainings = new Map<string, AblationTraining>();
  for (const row of rows) {
    for (const seed of seeds) {
      const name = `${folderName(row.model)}-${folderName(row.trainedOn)}-seed${seed}`;
      const balance = regimes[row.trainedOn];
      const settings = [
        models[row.model],
        balance === "none" ? {} : { data: { balance } },
        { train: { seed } },
      ].reduce(mergeSettings, common);
      trainings.set(name, {
        name,
        config: parseConfig(
          experimentSchema,
          withAssignments(settings, last),
          `${path}, ${row.model}`,
        ),
        rows: [
          ...(trainings.get(name)?.rows ?? []),
          { row, balanced: regimes[row.testedOn] !== "none" },
        ],
      });
    }
  }
  return [...trainings.values()];
}

/** A row may only name models and regimes that are there, and no two may mean the same run. */
function checkNames(
  { models, regimes, rows }: z.output<typeof ablationSchema>,
  context: z.RefinementCtx,
): void {
  const issue = (path: (string | number)[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  const check = (row: number, key: string, name: string, known: object) => {
    if (Object.hasOwn(known, name)) return;
    const names = Object.keys(known).join(", ");
    issue(["rows", row, key], `"${name}" is not there; expected one of ${names}`);
  };
  for (const [i, row] of rows.entries()) {
    check(i, "model", row.model, models);
    check(i, "trainedOn", row.trainedOn, regimes);
    check(i, "testedOn", row.testedOn, regimes);
    const same = rows.findIndex((other) =>
      (["model", "trainedOn", "testedOn"] as const).every((key) => other[key] === row[key]),
    );
    if (same < i) issue(["rows", i], `the same as row ${same}; each row may be there once`);
  }
  for (const [key, named] of Object.entries({ models, regimes })) {
    const folders = new Map<string, string>();
    for (const name of Object.keys(named)) {
      const folder = folderName(name);
      const other = folders.get(folder);
      if (folder === "") issue([key, name], "a name needs a letter or a digit, for its folder");
      else if (other !== undefined) {
        issue([key, name], `would have the folder of "${other}", ${folder}; rename one of them`);
      }
      folders.set(folder, name);
    }
  }
}

const folderName = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
