import { UserError } from "../core/errors";
import type { Dataset } from "../data/dataset";
import { hasLabels } from "../data/labels";
import type { TaskDescription } from "../models/description";
import { classification } from "./classification";
import { contrastive } from "./contrastive";
import type { LossDefinition, LossOptions } from "./loss";
import type { Task } from "./task";
import { votes } from "./vote-task";

/** A kind of question: one file, and one line in the list below. */
export interface TaskDefinition {
  /** By which a config and a saved model name it. */
  readonly name: string;
  /** One sentence for people. */
  readonly sentence: string;
  /** Losses that it can be learned with; the first is the default. */
  readonly losses: readonly LossDefinition[];
  /** Whether a data set has the targets of this task. */
  fits(dataset: Dataset): boolean;
  /** Whether a config must name it, since every data set fits. Default false. */
  readonly onlyWhenNamed?: boolean;
  /**
   * Make the task of a data set.
   *
   * @param loss Checked options of one of {@link TaskDefinition.losses}.
   */
  fromDataset(dataset: Dataset, loss: LossOptions): Task;
  /** @throws UserError when the description is of another task or not whole */
  fromDescription(description: TaskDescription): Task;
}

/** Every task; where a data set fits several, the first one is meant. */
const definitions: TaskDefinition[] = [classification, votes, contrastive];

/**
 * Add a task from outside the library.
 *
 * @returns what takes it out again
 * @throws UserError when there is one of this name
 */
export function registerTask(definition: TaskDefinition): () => void {
  if (definitions.some(({ name }) => name === definition.name)) {
    throw new UserError(`there is a task "${definition.name}" already`, "give it another name");
  }
  definitions.push(definition);
  return () => void definitions.splice(definitions.indexOf(definition), 1);
}

/** Every task, in the order in which they are tried on a data set. */
export function listTasks(): readonly TaskDefinition[] {
  return definitions;
}

/** @throws UserError when no task has this name */
export function taskDefinition(name: string): TaskDefinition {
  const found = definitions.find((definition) => definition.name === name);
  if (found !== undefined) return found;
  const known = definitions.map((definition) => definition.name);
  throw new UserError(`there is no task "${name}"`, `take one of ${known.join(", ")}`);
}

/** `train.loss` as a config has it: a name and options, or options of the task's first loss. */
export interface LossSettings {
  /** Which loss. Default: the first of the task. */
  readonly name?: string;
  readonly [option: string]: unknown;
}

/** What of a config decides what a network is asked. */
export interface TaskSettings {
  /** Default: the first task that the data set fits. */
  readonly task?: string;
  /** Default: the task's first loss, its options at their defaults. */
  readonly loss?: LossSettings;
}

/**
 * What a network is asked about a data set.
 *
 * @throws UserError when the data have no targets of this task, or it has no such loss
 */
export function createTask(dataset: Dataset, { task, loss = {} }: TaskSettings = {}): Task {
  const wanted =
    task === undefined
      ? definitions.filter(({ onlyWhenNamed }) => !onlyWhenNamed)
      : [taskDefinition(task)];
  const definition = wanted.find((one) => one.fits(dataset));
  if (definition !== undefined) {
    return definition.fromDataset(dataset, lossOf(definition, loss));
  }
  const labeled = hasLabels(dataset) ? "labels, but no votes" : undefined;
  const voted = dataset.votes === undefined ? undefined : "votes, but no labels";
  const has = labeled ?? voted ?? "neither labels nor votes";
  throw new UserError(
    `${dataset.name} has ${has}: it cannot be learned by ${wanted.map(({ name }) => name).join(", ")}`,
    "give data with a column label or with votes, or class folders",
  );
}

/** The task that a saved model was trained for. */
export function taskFromDescription(description: TaskDescription): Task {
  return taskDefinition(description.task).fromDescription(description);
}

/**
 * The options of a loss, checked and with their defaults.
 *
 * @throws UserError when the task has no such loss, or an option is wrong
 */
export function lossOf({ name, losses }: TaskDefinition, settings: LossSettings): LossOptions {
  const loss = losses.find((one) => one.name === (settings.name ?? losses[0].name));
  if (loss !== undefined) return parseLoss(loss, settings);
  throw new UserError(
    `the task ${name} has no loss "${settings.name}"`,
    `take one of ${losses.map((one) => one.name).join(", ")} as train.loss.name`,
  );
}

function parseLoss({ name, schema }: LossDefinition, settings: LossSettings): LossOptions {
  const result = schema.safeParse({ ...settings, name });
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw new UserError(`of the loss ${name}: ${problems.join("; ")}`, "correct the keys named");
}

/**
 * Check `train.loss` before the data, and with them the task, are known.
 *
 * @returns with the defaults of the loss that it names; as given where it names none
 * @throws UserError when no task has such a loss, or an option is wrong
 */
export function checkLoss(given: unknown): LossSettings {
  if (!isMapping(given)) {
    throw new UserError("is no mapping", "write for example loss: { name: focal }");
  }
  const { name } = given;
  const all = definitions.flatMap(({ losses }) => losses);
  if (name !== undefined) {
    const loss = all.find((one) => one.name === name);
    if (loss !== undefined) return { ...parseLoss(loss, given) };
    const known = [...new Set(all.map((one) => one.name))].join(", ");
    throw new UserError(`there is no loss "${name}"; expected one of ${known}`, "correct the name");
  }
  const defaults = definitions.map(({ losses }) => losses[0]);
  const accepts = (loss: LossDefinition) => loss.schema.safeParse({ ...given, name: loss.name });
  if (!defaults.some((loss) => accepts(loss).success)) parseLoss(defaults[0], given);
  return given;
}

/** The keys of each loss of each task, by its name. */
export function lossShapes(): Readonly<Record<string, object>> {
  const all = definitions.flatMap(({ losses }) => losses);
  return Object.fromEntries(all.map(({ name, schema }) => [name, schema.shape]));
}

function isMapping(value: unknown): value is LossSettings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * What is wrong with the choice of a task and a loss, before the data are known.
 *
 * @returns key and message; undefined where nothing is
 */
export function checkTaskSettings({
  task,
  loss = {},
}: TaskSettings): { path: string[]; message: string } | undefined {
  if (task === undefined) return undefined;
  const definition = definitions.find(({ name }) => name === task);
  if (definition === undefined) {
    const known = definitions.map(({ name }) => name).join(", ");
    return { path: ["task"], message: `there is no task "${task}"; expected one of ${known}` };
  }
  try {
    lossOf(definition, loss);
  } catch (error) {
    const message = error instanceof UserError ? error.problem : String(error);
    return { path: ["train", "loss"], message };
  }
  return undefined;
}
