import { join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import { writeFileAtomic } from "../io/atomic";
import { writeAblation } from "../train/ablation";
import { loadAblation } from "../train/ablation-config";
import type { ExperimentConfig } from "../train/config";
import type { ConfigFileOptions } from "../train/config-file";
import { type PlanParts, type Unit, unitKey } from "./plan";
import type { PlanKind } from "./plan-kind";

/** What a plan keeps of the file that it was made of. */
export const fileSettings = z.strictObject({
  /** The file, of an ablation or a sweep. */
  config: z.string(),
  /** Which of the file's profiles. */
  profile: z.string().optional(),
  /** In the place of the file's `data.spec`. */
  spec: z.string().optional(),
  /** Assignments. */
  set: z.array(z.string()).optional(),
});

/**
 * A training as a unit: its config is written into the plan's folder, its run is the folder of its name
 * there. A run of other settings is made anew.
 */
export function trainUnit(name: string, config: ExperimentConfig, folder: string): Unit {
  const path = join(folder, "configs", `${name}.yaml`);
  const run = join(folder, name);
  writeFileAtomic(path, stringify(config));
  const args = ["train", "--config", path, "--out", run, "--auto"];
  return { name, args, output: join(run, "metrics.json"), key: unitKey(args, config) };
}

/**
 * The trainings of an ablation as units of a plan.
 *
 * @param folder The plan's: runs come into it.
 * @throws UserError naming the file and each key that is wrong
 */
export function ablationPlan(
  config: string,
  folder: string,
  options: ConfigFileOptions = {},
): PlanParts {
  const units = loadAblation(config, options).map((one) => trainUnit(one.name, one.config, folder));
  return { kind: "ablation", settings: { config, ...options }, units };
}

/** What becomes of an ablation: its table, of the runs that are finished. */
export const ablation: PlanKind = {
  async collect({ path }, { settings }) {
    const { config, ...options } = fileSettings.parse(settings);
    const { rows, failures } = await writeAblation(loadAblation(config, options), path);
    return {
      files: ["ablation.csv", "ablation.tex"].map((name) => join(path, name)),
      says: `${rows.length} rows${failures ? `, ${failures.length} failed` : ""}`,
    };
  },
};
