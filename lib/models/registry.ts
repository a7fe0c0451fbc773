import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Architecture, Definition } from "./architecture";
import { convnext } from "./convnext";
import { customCnn } from "./custom-cnn";
import { cvt } from "./cvt";
import type { Preprocessing } from "./description";
import { efficientnet } from "./efficientnet";
import { efficientnetLite } from "./efficientnet-lite";
import { dropout, linear } from "./layers";
import { linformer } from "./linformer";
import type { Context, Layer, Model, Network } from "./module";
import { p4mResnet } from "./p4m-resnet";
import { Parameters } from "./parameters";
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
  efficientnetLite,
  convnext,
  swinv2,
  regnet,
  p4mResnet,
];

const definitions: Record<string, Definition> = Object.assign({}, ...architectures);

/**
 * Add an architecture from outside the library: its names are known from then on.
 *
 * @returns what takes it out again
 * @throws UserError when there is a model of one of its names
 */
export function registerArchitecture(architecture: Architecture): () => void {
  const names = Object.keys(architecture);
  const taken = names.find((name) => Object.hasOwn(definitions, name));
  if (taken !== undefined) {
    throw new UserError(`there is a model "${taken}" already`, "give it another name");
  }
  Object.assign(definitions, architecture);
  return () => {
    for (const name of names) delete definitions[name];
  };
}

/** What {@link createModel} can be told. */
export interface ModelOptions {
  /** Number of logits: outputs times the parameters that the loss has for each. 0: pooled features. */
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
  checkSize(name, definition, inputSize);
  checkNumClasses(numClasses);
  const p = Parameters.root(seed);
  const network = definition.build(p, { inputSize, dropout, dropPath });
  const classifier = new Head(p, network);
  classifier.reset(numClasses);
  const forwardFeatures = (images: tf.Tensor4D, context: Context) => {
    checkSize(name, definition, [images.shape[1], images.shape[2]], inputSize);
    return tf.tidy(() => network.forwardFeatures(images, context));
  };
  const forwardHead: Model["forwardHead"] = (features, context, { preLogits = false } = {}) =>
    tf.tidy(() => {
      const pooled = network.pool(features, context);
      return preLogits ? pooled : classifier.forward(pooled, context);
    });
  const { scope, groupedWith = [] } = network.classifier;
  const { numFeatures, attention = [], featureMaps = [], derivedBuffers = [] } = network;
  const { isInvariant = false } = network;
  return {
    name,
    get numClasses() {
      return classifier.numClasses;
    },
    numFeatures,
    inputSize,
    dropout,
    dropPath,
    drops: p.drops,
    preprocessing,
    parameters: p.all,
    parameterGroups: [...network.parameterGroups, [...groupedWith, scope]],
    classifier: scope,
    attention,
    featureMaps,
    isInvariant,
    derivedBuffers,
    resample: network.resample,
    forwardFeatures,
    forwardHead,
    forward: (images, context) =>
      tf.tidy(() => {
        // Who looks inside shall see all of the last block.
        const pooledOnly = context.hook === undefined;
        return forwardHead(forwardFeatures(images, { ...context, pooledOnly }), context);
      }),
    resetClassifier(wanted) {
      checkNumClasses(wanted);
      classifier.reset(wanted);
    },
    dispose: () => {
      for (const { variable } of p.all.values()) variable.dispose();
    },
  };
}

/** The classifier on top of a network: dropout and one linear layer, or nothing. */
class Head {
  numClasses = 0;
  private readonly drop: Layer<tf.Tensor2D>;
  private layer: Layer<tf.Tensor2D> | undefined;

  constructor(
    private readonly p: Parameters,
    private readonly network: Network,
  ) {
    this.drop = dropout<tf.Tensor2D>(p, network.classifier.dropout);
  }

  reset(numClasses: number): void {
    const { scope, init } = this.network.classifier;
    const at = this.p.at(scope);
    at.clear();
    this.numClasses = numClasses;
    this.layer =
      numClasses === 0 ? undefined : linear(at, this.network.numFeatures, numClasses, { init });
  }

  /** Features `[batch, numFeatures]` → logits `[batch, numClasses]`. */
  forward(features: tf.Tensor2D, context: Context): tf.Tensor2D {
    return this.layer === undefined ? features : this.layer(this.drop(features, context), context);
  }
}

function checkNumClasses(numClasses: number): void {
  if (Number.isInteger(numClasses) && numClasses >= 0) return;
  throw new UserError(
    `numClasses is ${numClasses}`,
    "give the number of classes, or 0 for a network that gives its features",
  );
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
