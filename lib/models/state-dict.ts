import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { TensorSource, TensorToWrite } from "../io/safetensors";
import type { Layout, Model } from "./module";
import { fromTransformers } from "./transformers-names";

/** How a state dict is loaded. */
export interface LoadOptions {
  /** `replace` leaves the classifier as it is (fresh), for other classes. Default `load`. */
  readonly head?: "load" | "replace";
}

/** What {@link loadStateDict} did with each name. */
export interface LoadReport {
  readonly loaded: readonly string[];
  /** Parameters of the classifier that kept their fresh values, because `head` is "replace". */
  readonly replaced: readonly string[];
  /** Position embeddings (and the like) resampled to this model's input size. */
  readonly resampled: readonly string[];
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
 * @param source Under timm's names or those of `transformers`, in PyTorch's layouts.
 * @throws UserError naming every tensor that is missing, unknown or of another shape; the model
 *   is then unchanged.
 */
export function loadStateDict(
  model: Model,
  source: TensorSource,
  options: LoadOptions = {},
): LoadReport {
  const named = fromTransformers(source);
  if (named !== undefined) return loadStateDict(model, named, options);
  const replaceHead = options.head === "replace";
  const isHead = headTest(model);
  const plan = compare(model, source, (name) => replaceHead && isHead(name));
  if (plan.problems.length > 0) {
    const onlyHead = plan.problems.every(({ name }) => isHead(name));
    throw new UserError(
      `${source.name} does not fit ${model.name} with ${model.numClasses} classes:\n${plan.problems
        .map(({ name, problem }) => `  ${name}: ${problem}`)
        .join("\n")}`,
      onlyHead
        ? 'give { head: "replace" } to keep a fresh classifier, or build the model with as many classes'
        : "check that the file belongs to this architecture, and its variant and options",
    );
  }
  for (const name of plan.loaded) assign(model, name, source);
  return plan;
}

/** The model's classifier, by parameter name. */
function headTest(model: Model): (name: string) => boolean {
  const prefixes = model.layers[model.layers.length - 1];
  return (name) => prefixes.some((prefix) => name === prefix || name.startsWith(`${prefix}.`));
}

function compare(model: Model, source: TensorSource, keepFresh: (name: string) => boolean) {
  const loaded: string[] = [];
  const replaced: string[] = [];
  const resampled: string[] = [];
  const problems: { name: string; problem: string }[] = [];
  for (const [name, { variable, layout }] of model.parameters) {
    const wanted = torchShape(variable.shape, layout);
    const found = source.tensors.get(name)?.shape;
    if (keepFresh(name)) replaced.push(name);
    else if (found === undefined) problems.push({ name, problem: `missing, [${wanted}] expected` });
    else if (sameShape(found, wanted)) loaded.push(name);
    else if (model.resample?.(name, found) !== undefined) {
      loaded.push(name);
      resampled.push(name);
    } else problems.push({ name, problem: `[${found}] in the file, [${wanted}] expected` });
  }
  for (const name of source.tensors.keys()) {
    // PyTorch counts the batches that its batch norms have seen; nothing here uses the count.
    if (model.parameters.has(name) || name.endsWith(".num_batches_tracked") || keepFresh(name)) {
      continue;
    }
    problems.push({ name, problem: "in the file, and the model has no such parameter" });
  }
  return { loaded, replaced, resampled, problems };
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
      return tf.tidy(() =>
        (axes === undefined ? variable : tf.transpose(variable, axes)).dataSync<"float32">(),
      );
    },
  }));
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
