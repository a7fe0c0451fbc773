import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Architecture, Definition } from "./architecture";
import { convnext } from "./convnext";
import { customCnn } from "./custom-cnn";
import { cvt } from "./cvt";
import type { Preprocessing } from "./description";
import { efficientnet } from "./efficientnet";
import { linformer } from "./linformer";
import { type Context, type Model, Parameters } from "./module";
import { regnet } from "./regnet";
import { resnet } from "./resnet";
import { swinv2 } from "./swinv2";
import { vgg } from "./vgg";
import { vit } from "./vit";

/** Every architecture; a new one is a file and a line here. */
const architectures: readonly Architecture[] = [
  customCnn,
  resnet,
  vgg,
  vit,
  linformer,
  cvt,
  efficientnet,
  convnext,
  swinv2,
  regnet,
];

const definitions: Readonly<Record<string, Definition>> = Object.assign({}, ...architectures);

/** What {@link createModel} can be told. */
export interface ModelOptions {
  /** Number of logits: outputs times the parameters that the loss has for each. */
  readonly numClasses: number;
  /** Of the initial weights. Default 0. */
  readonly seed?: number;
  /** Height and width in pixels. Default: the size the model was published with. */
  readonly inputSize?: readonly [number, number];
  /** Share of features dropped before the classifier (and in blocks, where the paper does), 0…1. */
  readonly dropout?: number;
  /** Share of residual branches dropped in the deepest block (stochastic depth), 0…1. */
  readonly dropPath?: number;
  /** How images come to it. Default: as they came when the model was published. */
  readonly preprocessing?: Preprocessing;
}

/** The registered names, tiny `test_*` variants last. */
export function listModels(): string[] {
  const names = Object.keys(definitions);
  const isTest = (name: string) => name.startsWith("test_");
  return [...names.filter((name) => !isTest(name)), ...names.filter(isTest)];
}

/** @throws UserError when no model has this name. */
export function modelDefinition(name: string): Definition {
  if (!Object.hasOwn(definitions, name)) {
    const known = listModels().filter((known) => !known.startsWith("test_"));
    throw new UserError(`there is no model "${name}"`, `take one of ${known.join(", ")}`);
  }
  return definitions[name];
}

/**
 * Build a model with fresh weights. The engine must have been started.
 *
 * @throws UserError for an unknown name or a size or count that the model cannot have.
 */
export function createModel(name: string, options: ModelOptions): Model {
  const definition = modelDefinition(name);
  const { numClasses, seed = 0, inputSize = definition.inputSize } = options;
  const { dropout, dropPath, preprocessing = definition.preprocessing } = options;
  if (!Number.isInteger(numClasses) || numClasses < 1) {
    throw new UserError(`numClasses is ${numClasses}`, "give the number of classes, 1 or more");
  }
  checkSize(name, definition, inputSize);
  const p = Parameters.root(seed);
  const network = definition.build(p, { ...options, numClasses, inputSize });
  const run = <T extends tf.Tensor>(images: tf.Tensor4D, compute: () => T): T => {
    checkSize(name, definition, [images.shape[1], images.shape[2]], inputSize);
    return tf.tidy(compute);
  };
  const features = (images: tf.Tensor4D, context: Context) =>
    run(images, () => network.features(images, context));
  return {
    name,
    numClasses,
    inputSize,
    dropout,
    dropPath,
    preprocessing,
    parameters: p.all,
    layers: network.layers,
    resample: network.resample,
    features,
    forward: (images, context) =>
      tf.tidy(() => network.classify(features(images, context), context)),
    dispose: () => {
      for (const { variable } of p.all.values()) variable.dispose();
    },
  };
}

function checkSize(
  name: string,
  { sizes = {} }: Definition,
  [height, width]: readonly [number, number],
  built?: readonly [number, number],
): void {
  const { multipleOf = 1, atLeast = multipleOf, fixed = false } = sizes;
  const wrong = [height, width].some(
    (n) => !Number.isInteger(n) || n < atLeast || n % multipleOf !== 0,
  );
  if (wrong) {
    throw new UserError(
      `${name} cannot take images of ${height}×${width} pixels`,
      `both sides must be at least ${atLeast} and a multiple of ${multipleOf}`,
    );
  }
  if (fixed && built !== undefined && (height !== built[0] || width !== built[1])) {
    throw new UserError(
      `${name} was built for ${built.join("×")} pixels and got ${height}×${width}`,
      `resize the images, or build it with inputSize: [${height}, ${width}]`,
    );
  }
}
