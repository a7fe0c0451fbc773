import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { valuesOf } from "../engine/values-of";
import type { TensorSource } from "../io/safetensors";
import type { TensorToWrite } from "../io/safetensors-header";
import type { TaskDescription } from "./description";
import { matchClassifier } from "./match-classifier";
import type { Model } from "./module";
import { isInScope, type Layout } from "./parameters";
import { fromTransformers } from "./transformers-names";
import { withoutWrappers } from "./wrapped-names";

/** How a state dict is loaded. */
export interface LoadOptions {
  /**
   * `load`: the classifier must fit, as everything else. `match`: it is kept where its outputs are the
   * ones asked for, in any order, and starts fresh where they are not. Default `load`.
   */
  readonly head?: "load" | "match";
  /** What the model is asked, for `match`: its outputs by name. Default: their number decides. */
  readonly task?: TaskDescription;
}

/** What {@link loadStateDict} did. */
export interface LoadReport {
  /** Names of the parameters that have the file's values. */
  readonly loaded: readonly string[];
  /** Parameters of the classifier that keep their fresh values. */
  readonly fresh: readonly string[];
  /** Position embeddings (and the like) that were resampled to this model's input size. */
  readonly resampled: readonly string[];
  /** One sentence about the classifier, for people. */
  readonly classifier: string;
}

/** Axes of PyTorch's layout in the order of ours, and back. */
const toOurs: Readonly<Record<Layout, number[] | undefined>> = {
  plain: undefined,
  conv: [2, 3, 1, 0],
  depthwise: [2, 3, 0, 1],
};
const toTorch: Readonly<Record<Layout, number[] | undefined>> = {
  plain: undefined,
  conv: [3, 2, 0, 1],
  depthwise: [2, 3, 0, 1],
};

/** The shape of a parameter in PyTorch's layout. */
export function torchShape(shape: readonly number[], layout: Layout): number[] {
  return toTorch[layout]?.map((axis) => shape[axis]) ?? [...shape];
}

/**
 * Give a model the weights of a state dict, by name.
 *
 * Wrappers around the names (`module.` and the like) are looked through, and buffers that follow from
 * the network's shape are passed over.
 *
 * @param given Under timm's names or those of `transformers`, in PyTorch's layouts.
 * @throws UserError naming every tensor that is missing, unknown or of another shape; the model
 *   is then unchanged.
 */
export function loadStateDict(
  model: Model,
  given: TensorSource,
  options: LoadOptions = {},
): LoadReport {
  const { head = "load", task } = options;
  const unwrapped = withoutWrappers(given, (name) => model.parameters.has(name));
  const named = fromTransformers(unwrapped) ?? unwrapped;
  const match =
    head === "match"
      ? matchClassifier(model, named, task)
      : { source: named, says: "the classifier is the file's" };
  const source = match.source ?? named;
  const isHead = (name: string) => isInScope(name, model.classifier);
  const plan = compare(model, source, (name) => match.source === undefined && isHead(name));
  if (plan.problems.length > 0) {
    const onlyHead = plan.problems.every(({ name }) => isHead(name));
    const classes = source.tensors.get(`${model.classifier}.weight`)?.shape[0] ?? "as many";
    throw new UserError(
      `${source.name} does not fit ${model.name} with ${model.numClasses} classes:\n${plan.problems
        .map(({ name, problem }) => `  ${name}: ${problem}`)
        .join("\n")}`,
      onlyHead
        ? `build the model with ${classes} classes (of the command: --classes), or give { head: "match" } for a fresh classifier`
        : "check that the file belongs to this architecture, and its variant and options",
    );
  }
  const { loaded, fresh, resampled } = plan;
  for (const name of loaded) assign(model, name, source);
  return { loaded, fresh, resampled, classifier: match.says };
}

function compare(model: Model, source: TensorSource, keepFresh: (name: string) => boolean) {
  const loaded: string[] = [];
  const fresh: string[] = [];
  const resampled: string[] = [];
  const problems: { name: string; problem: string }[] = [];
  for (const [name, { variable, layout }] of model.parameters) {
    const wanted = torchShape(variable.shape, layout);
    const found = source.tensors.get(name)?.shape;
    if (keepFresh(name)) fresh.push(name);
    else if (found === undefined) problems.push({ name, problem: `missing, [${wanted}] expected` });
    else if (sameShape(found, wanted)) loaded.push(name);
    else if (model.resample?.(name, found) !== undefined) {
      loaded.push(name);
      resampled.push(name);
    } else problems.push({ name, problem: `[${found}] in the file, [${wanted}] expected` });
  }
  // PyTorch counts the batches that its batch norms have seen; nothing here uses the count.
  const unused = ["num_batches_tracked", ...model.derivedBuffers];
  for (const name of source.tensors.keys()) {
    const isUnused = unused.includes(name.slice(name.lastIndexOf(".") + 1));
    if (model.parameters.has(name) || isUnused || keepFresh(name)) continue;
    problems.push({ name, problem: "in the file, and the model has no such parameter" });
  }
  return { loaded, fresh, resampled, problems };
}

function assign(model: Model, name: string, source: TensorSource): void {
  const parameter = model.parameters.get(name);
  const shape = source.tensors.get(name)?.shape;
  if (parameter === undefined || shape === undefined) return;
  tf.tidy(() => {
    let value = tf.tensor(source.read(name), [...shape]);
    if (!sameShape(shape, torchShape(parameter.variable.shape, parameter.layout))) {
      value = model.resample?.(name, shape)?.(value) ?? value;
    }
    const axes = toOurs[parameter.layout];
    parameter.variable.assign(axes === undefined ? value : tf.transpose(value, axes));
  });
}

/** A model's weights under timm's names and in PyTorch's layouts, each read when its turn comes. */
export function stateDict(model: Model): TensorToWrite[] {
  return [...model.parameters].map(([name, { variable, layout }]) => ({
    name,
    shape: torchShape(variable.shape, layout),
    read(): Float32Array {
      const axes = toTorch[layout];
      return axes === undefined
        ? variable.dataSync<"float32">()
        : valuesOf(() => tf.transpose(variable, axes));
    },
  }));
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
