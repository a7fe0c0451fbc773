import { parse } from "yaml";
import { UserError } from "../core/errors";
import { lossShapes } from "../tasks/registry";
import { optimizerShapes } from "./optimizer-settings";
import { scheduleShapes } from "./schedule";

/** Settings as a YAML file has them. */
export type Tree = Record<string, unknown>;

/** Whether a value is a mapping, not a list or a scalar. */
export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * `over` laid over `under`, key by key; a list replaces a list.
 *
 * Where `over` chooses another optimizer, schedule or loss by `name`, the keys below that the new one
 * does not have are left out.
 */
export function mergeSettings(under: Tree, over: Tree): Tree {
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (key in Object.prototype) {
      throw new UserError(`there is no key "${key}"`, "leave it out of the settings");
    }
    const below = merged[key];
    merged[key] =
      isTree(below) && isTree(value)
        ? mergeSettings(withoutForeignKeys(key, below, value.name), value)
        : value;
  }
  return merged;
}

/** The settings of one thing, without those that another one of this name does not have. */
function withoutForeignKeys(key: string, settings: Tree, name: unknown): Tree {
  if (typeof name !== "string" || name === settings.name) return settings;
  const shapes = { optimizer: optimizerShapes, schedule: scheduleShapes, loss: lossShapes() }[key];
  const shape = new Map<string, object>(Object.entries(shapes ?? {})).get(name);
  if (shape === undefined) return settings;
  return Object.fromEntries(
    Object.entries(settings).filter(([one]) => one === "name" || Object.hasOwn(shape, one)),
  );
}

/**
 * Apply `key.path=value` assignments, values read as YAML scalars or lists would be.
 *
 * @returns a copy with the assignments made
 * @throws UserError when one is not `key=value`, or its value is no YAML
 */
export function withAssignments(settings: Tree, assignments: readonly string[]): Tree {
  return assignments.reduce((tree, assignment) => {
    const at = assignment.indexOf("=");
    if (at < 1) {
      throw new UserError(
        `--set ${assignment} is not key=value`,
        "write for example --set train.epochs=5",
      );
    }
    const keys = assignment.slice(0, at).split(".");
    if (keys.some((key) => key in Object.prototype)) {
      throw new UserError(
        `--set ${assignment}: there is no such key`,
        "give a key of the settings",
      );
    }
    return assign(tree, keys, assignedValue(assignment, at));
  }, structuredClone(settings));
}

/** What stands after the `=`, at `at`. */
function assignedValue(assignment: string, at: number): unknown {
  try {
    return parse(assignment.slice(at + 1));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split(" at line")[0] : String(cause);
    throw new UserError(
      `--set ${assignment}: the value is no YAML: ${reason}`,
      "write a number, a word, [a, list] or {a: mapping}, in quotes where the shell needs them",
      { cause },
    );
  }
}

function assign(tree: Tree, [key, ...rest]: readonly string[], value: unknown): Tree {
  if (rest.length === 0) return { ...tree, [key]: value };
  const inner = tree[key];
  const below = isTree(inner) ? inner : {};
  const kept = rest[0] === "name" ? withoutForeignKeys(key, below, value) : below;
  return { ...tree, [key]: assign(kept, rest, value) };
}
