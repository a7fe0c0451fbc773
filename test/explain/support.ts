import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { SafetensorsFile } from "#lib/io/safetensors";
import { loadWeights } from "#lib/models/model-file";
import type { Model } from "#lib/models/module";
import { createModel } from "#lib/models/registry";

const fixtures = join(__dirname, "../fixtures");

/** PyTorch's answers and the model that they are about; see tools/fixtures/explain.py. */
export class Explained {
  private readonly file: SafetensorsFile;
  readonly model: Model;
  /** float32 [2, height, width, 3] */
  readonly images: tf.Tensor4D;
  readonly target: number[];

  constructor(name: string) {
    this.file = SafetensorsFile.open(join(fixtures, "explain", `${name}.safetensors`));
    this.model = createModel(name, { numClasses: this.shape("logits")[1] });
    const weights = join(fixtures, "models", "transformers", name, "weights.safetensors");
    loadWeights(this.model, weights, { head: this.has("head.weight") ? "match" : "load" });
    for (const part of ["head.weight", "head.bias"].filter((part) => this.has(part))) {
      const value = tf.tensor(this.file.read(part), [...this.shape(part)]);
      this.model.parameters.get(part)?.variable.assign(value);
      value.dispose();
    }
    const shape = this.shape("input") as [number, number, number, number];
    this.images = tf.tidy(() =>
      tf.transpose(tf.tensor4d(this.file.read("input"), shape), [0, 2, 3, 1]),
    );
    this.target = Array.from(this.file.read("target"));
  }

  has(name: string): boolean {
    return this.file.tensors.has(name);
  }

  shape(name: string): readonly number[] {
    return this.file.tensors.get(name)?.shape ?? [];
  }

  /** Values and shape are PyTorch's, to 1e-4 of the largest (at least of 1). */
  check(name: string, values: ArrayLike<number>, shape: readonly number[]): void {
    assert.deepEqual([...shape], [...this.shape(name)], `${name}: shape`);
    const expected = this.file.read(name);
    assert.equal(values.length, expected.length, name);
    const scale = Math.max(...expected.map(Math.abs));
    assert.ok(scale > 1e-4, `${name} is nothing but zeros`);
    const error = expected.reduce((e, v, i) => Math.max(e, Math.abs(v - values[i])), 0);
    assert.ok(error < 1e-4 * Math.min(1, scale * 10), `${name}: off by ${error} of ${scale}`);
  }

  close(): void {
    this.images.dispose();
    this.model.dispose();
    this.file.close();
  }
}
