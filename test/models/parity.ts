import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { SafetensorsFile } from "#lib/io/safetensors";
import { loadWeights } from "#lib/models/model-file";
import type { Context, Model } from "#lib/models/module";
import { createModel } from "#lib/models/registry";
import { torchShape } from "#lib/models/state-dict";

/** Values in PyTorch's layout. */
export type Values = { shape: readonly number[]; data: Float32Array };

/** PyTorch's answers for one model; see tools/fixtures/models.py. */
export class Reference {
  readonly weights: string;
  private readonly expected: SafetensorsFile;
  readonly parameters: number;
  readonly size: number;
  /** How far PyTorch's own float32 is from the expected values, which are float64's. */
  readonly rounding: number = 0;

  constructor(folder: string, name: string) {
    this.weights = join(folder, name, "weights.safetensors");
    this.expected = SafetensorsFile.open(join(folder, name, "expected.safetensors"));
    const index = JSON.parse(readFileSync(join(folder, "references.json"), "utf8"));
    ({ parameters: this.parameters, size: this.size, rounding: this.rounding = 0 } = index[name]);
  }

  get(name: string): Values {
    return { shape: this.expected.tensors.get(name)?.shape ?? [], data: this.expected.read(name) };
  }

  names(prefix: string): string[] {
    return [...this.expected.tensors.keys()].filter((name) => name.startsWith(prefix));
  }

  /** The input images in our layout. */
  images(): tf.Tensor4D {
    const { shape, data } = this.get("input");
    return tf.tidy(() =>
      tf.transpose(tf.tensor4d(data, shape as [number, number, number, number]), [0, 2, 3, 1]),
    );
  }

  model(name: string): Model {
    const numClasses = this.get("logits").shape[1];
    const model = createModel(name, { numClasses, inputSize: [this.size, this.size] });
    loadWeights(model, this.weights);
    return model;
  }

  close(): void {
    this.expected.close();
  }
}

function magnitude(values: Float32Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

/** The largest difference, as a share of the largest expected value (at least of `floor`). */
export function relativeError(
  actual: ArrayLike<number>,
  expected: Float32Array,
  floor = 1e-30,
): number {
  assert.equal(actual.length, expected.length, "number of values");
  const differences = expected.map((value, i) => Math.abs(actual[i] - value));
  // Math.max hands NaN on, so that it counts as a difference.
  return magnitude(differences) / Math.max(magnitude(expected), floor);
}

/** What the classifier sees: float32 `[batch, numFeatures]`. */
export function pooled(model: Model, images: tf.Tensor4D, context: Context): tf.Tensor2D {
  return tf.tidy(() =>
    model.forwardHead(model.forwardFeatures(images, context), context, { preLogits: true }),
  );
}

/**
 * Logits, features and attention in evaluation mode agree with PyTorch's.
 *
 * @returns the largest relative error
 */
export function checkForward(model: Model, reference: Reference, tolerance = 1e-4): number {
  let largest = 0;
  const images = reference.images();
  const seen = new Map<string, tf.Tensor>();
  const context: Context = {
    training: false,
    hook: (name, value) => {
      seen.set(name, tf.keep(tf.clone(value)));
    },
  };
  const check = (name: string, tensor: tf.Tensor) => {
    const { shape, data } = reference.get(name);
    if (name !== "features") assert.deepEqual(tensor.shape, shape, `shape of ${name}`);
    const error = relativeError(tensor.dataSync(), data);
    largest = Math.max(largest, error);
    assert.ok(error < tolerance, `${name}: relative error ${error.toExponential(2)}`);
    tensor.dispose();
  };
  check("features", pooled(model, images, { training: false }));
  check("logits", model.forward(images, { training: false }));
  check("logits", model.forward(images, context));
  for (const name of reference.names("attention.")) {
    const value = seen.get(name.slice("attention.".length));
    assert.ok(value, `${name} was shown`);
    check(name, value);
  }
  tf.dispose([images, ...seen.values()]);
  return largest;
}

/** One step in training mode: logits, every gradient, and the running statistics afterwards. */
export function checkGradients(model: Model, reference: Reference, tolerance = 1e-3): void {
  const images = reference.images();
  const { logits, value, grads } = gradients(model, images, { training: true });
  const error = relativeError(logits.dataSync(), reference.get("train.logits").data);
  assert.ok(error < 1e-4, `training logits: relative error ${error.toExponential(2)}`);
  const names = reference.names("gradient.");
  const inTorchLayout = (name: string, tensor: tf.Tensor): Float32Array => {
    const layout = model.parameters.get(name)?.layout ?? "plain";
    const axes = { plain: undefined, conv: [3, 2, 0, 1], depthwise: [2, 3, 0, 1] }[layout];
    assert.deepEqual(torchShape(tensor.shape, layout), reference.get(`gradient.${name}`).shape);
    return tf.tidy(() =>
      (axes === undefined ? tensor : tf.transpose(tensor, axes)).dataSync<"float32">(),
    );
  };
  // A gradient that is nothing but rounding (a bias before a norm) is held to the largest one.
  const largest = Math.max(...names.map((name) => magnitude(reference.get(name).data)));
  const wrong: string[] = [];
  for (const full of names) {
    const name = full.slice("gradient.".length);
    const tensor = grads.get(name);
    assert.ok(tensor, `${name} has a gradient`);
    const off = relativeError(
      inTorchLayout(name, tensor),
      reference.get(full).data,
      1e-3 * largest,
    );
    if (!(off < tolerance)) wrong.push(`${name} ${off.toExponential(2)}`);
  }
  assert.deepEqual(wrong, [], "gradients that differ");
  assert.equal(grads.size, names.length, "number of gradients");
  for (const full of reference.names("after.")) {
    const name = full.slice("after.".length);
    const variable = model.parameters.get(name)?.variable;
    assert.ok(variable, name);
    const off = relativeError(variable.dataSync(), reference.get(full).data);
    assert.ok(off < 1e-4, `${full}: relative error ${off.toExponential(2)}`);
  }
  tf.dispose([images, logits, value, ...grads.values()]);
}

/** Logits, mean cross-entropy against the classes 0, 1, 2 …, and its gradient by parameter name. */
export function gradients(model: Model, images: tf.Tensor4D, context: Context) {
  const trainable = [...model.parameters].filter(([, parameter]) => parameter.trainable);
  const names = new Map(trainable.map(([name, { variable }]) => [variable.name, name]));
  let logits: tf.Tensor | undefined;
  const { value, grads } = tf.variableGrads(
    () => {
      logits = tf.keep(model.forward(images, context));
      const count = images.shape[0];
      const targets = Array.from({ length: count }, (_, i) => i % model.numClasses);
      const logProbabilities = tf.logSoftmax(logits);
      const chosen = tf.mul(
        logProbabilities,
        tf.oneHot(tf.tensor1d(targets, "int32"), model.numClasses),
      );
      return tf.neg(tf.div(tf.sum(chosen), count)) as tf.Scalar;
    },
    trainable.map(([, { variable }]) => variable),
  );
  assert.ok(logits);
  const byName = new Map(
    Object.entries(grads).map(([variable, gradient]) => [
      names.get(variable) ?? variable,
      gradient,
    ]),
  );
  return { logits, value, grads: byName };
}
