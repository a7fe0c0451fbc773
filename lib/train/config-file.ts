import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { UserError } from "../core/errors";
import { systemError } from "../core/system-errors";
import { findPath } from "../io/paths";
import { type ExperimentConfig, experimentSchema, parseConfig } from "./config";
import { isTree, mergeSettings, type Tree, withAssignments } from "./merge-settings";
import { presets } from "./presets";

/** How a config file is read. */
export interface ConfigFileOptions {
  /** Which of the file's `profiles` is laid over it. Default: `TUNING_FORK_PROFILE`, else `quick`. */
  readonly profile?: string;
  /** In the place of the file's `data.spec`. Default: `TUNING_FORK_DATA`, where that is set. */
  readonly spec?: string;
  /** Assignments such as `train.epochs=5`, applied last. */
  readonly set?: readonly string[];
}

/**
 * Read a YAML file of settings, with the profile asked for laid over it; or one of the presets, by its name.
 *
 * A file may hold `profiles: {quick: …, paper: …}`, each with any of the file's other keys.
 *
 * @throws UserError when the file cannot be read or has no such profile.
 */
export function readSettings(path: string, options: ConfigFileOptions = {}): Tree {
  const content = ownValue(presets, path) ?? parseFile(path);
  if (!isTree(content))
    throw new UserError(`${path} holds no keys`, "give a YAML file of settings");
  const { profiles = {}, ...common } = content;
  const asked = options.profile ?? process.env.TUNING_FORK_PROFILE;
  const profile = asked || "quick";
  const overlay = isTree(profiles) ? ownValue(profiles, profile) : undefined;
  if (asked && overlay === undefined) {
    const known = isTree(profiles) ? Object.keys(profiles).join(", ") : "";
    throw new UserError(
      `${path} has no profile "${asked}"`,
      known === "" ? "unset TUNING_FORK_PROFILE" : `take one of ${known}`,
    );
  }
  const settings = isTree(overlay) ? mergeSettings(common, overlay) : common;
  // Written as seen from the project, where a notebook sees it from its own folder.
  const named = process.env.TUNING_FORK_DATA;
  const spec = options.spec ?? (named ? findPath(named) : undefined);
  const aimed = spec ? mergeSettings(settings, { data: { spec } }) : settings;
  return withAssignments(aimed, options.set ?? []);
}

function parseFile(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    const names = Object.keys(presets).join(", ");
    const known = systemError(cause, path, "cannot be read");
    throw new UserError(
      known instanceof UserError ? known.problem : `${path} cannot be read: ${message}`,
      `give a YAML file, or the name of a preset: ${names}`,
      { cause },
    );
  }
}

/**
 * Read an experiment from a YAML file.
 *
 * @param name Which of the file's `models`, where it has some: an experiment for all, and under `models`
 *   what each changes about it.
 * @throws UserError naming the file and each key that is wrong.
 */
export function loadConfig(
  path: string,
  options: ConfigFileOptions = {},
  name?: string,
): ExperimentConfig {
  // `boost` is about trees on the networks' features.
  const { models, boost: _, ...common } = readSettings(path, { ...options, set: [] });
  const source = name === undefined ? path : `${path}, ${name}`;
  return parseConfig(
    experimentSchema,
    // Assignments come last, so that none is overruled by what a model changes.
    withAssignments(modelSettings(path, common, models, name), options.set ?? []),
    source,
  );
}

/** The names of a file's `models`, in its order; none where it is a single experiment. */
export function configNames(path: string, options: ConfigFileOptions = {}): string[] {
  const { models } = readSettings(path, options);
  return isTree(models) ? Object.keys(models) : [];
}

/** A key's value; never something that every object has, such as `constructor`. */
function ownValue(tree: Tree, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined;
}

function modelSettings(
  path: string,
  common: Tree,
  models: unknown,
  name: string | undefined,
): Tree {
  const names = isTree(models) ? Object.keys(models) : [];
  if (name === undefined && names.length === 0) return common;
  if (name === undefined) {
    throw new UserError(`${path} has several models`, `name one of ${names.join(", ")}`);
  }
  const over = isTree(models) ? ownValue(models, name) : undefined;
  if (isTree(over)) return mergeSettings(common, over);
  throw new UserError(
    `${path} has no model "${name}"`,
    names.length > 0
      ? `take one of ${names.join(", ")}`
      : "it is a single experiment: give no name",
  );
}
