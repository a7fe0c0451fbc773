import { z } from "zod";
import { UserError } from "../core/errors";
import { parseConfig } from "../train/config";
import { type ConfigFileOptions, readSettings } from "../train/config-file";
import { count, positive, settings } from "../train/settings";

/** How trees are boosted; the same for every library. */
export const boostSchema = settings({
  /** Trees of each answer at most. Default 500. */
  rounds: count.default(500),
  /** Share of each tree's correction that is taken, from above 0 to 1. Default 0.1. */
  learningRate: positive.max(1).default(0.1),
  /**
   * Rounds without a better validation error after which an answer is learned; 0 never ends it. Needs a
   * validation split. Default 12.
   */
  patience: z.int().min(0).default(12),
  /**
   * What is minimized: `squaredError`, or `crossEntropy` of answers that are sigmoids. Default
   * `squaredError`.
   */
  loss: z.enum(["squaredError", "crossEntropy"]).default("squaredError"),
  /** Of whatever the library draws. Default 42. */
  seed: z.int().min(0).default(42),
  /** Processor threads; 0, the default, takes all cores. */
  threads: z.int().min(0).default(0),
  /**
   * Further parameters by the library's own names, such as `max_depth` of XGBoost or `num_leaves` of
   * LightGBM. Default none.
   */
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});

/** How trees are boosted: every key is there. */
export type BoostConfig = z.output<typeof boostSchema>;
/** What a person writes: every key may be left out. */
export type BoostSettings = z.input<typeof boostSchema>;

/**
 * How a library boosts by a YAML file: what stands under `boost` and the library's name, with the profile
 * that is asked for laid over it. Assignments are as for networks: `boost.xgboost.rounds=50`.
 *
 * @throws UserError naming the file and each key that is wrong
 */
export function loadBoost(
  path: string,
  library: string,
  options: ConfigFileOptions = {},
): BoostConfig {
  const { boost } = readSettings(path, options);
  const own = Object.entries(typeof boost === "object" && boost !== null ? boost : {});
  const found = own.find(([name]) => name === library);
  if (found === undefined) {
    const known = own.map(([name]) => name).join(", ");
    throw new UserError(
      `${path} has no key boost.${library}`,
      known === "" ? "give it, with the settings of the trees" : `take one of ${known}`,
    );
  }
  return parseConfig(boostSchema, found[1], `${path}, boost.${library}`);
}
