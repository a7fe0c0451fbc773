import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { SafetensorsFile } from "#lib/io/safetensors";
import { resampleGrid, resamplePositions } from "#lib/models/resample";
import { relativeError } from "./parity";

describe("resampling of position embeddings", () => {
  before(() => startEngine());
  const file = SafetensorsFile.open(join(__dirname, "../fixtures/models/resampled.safetensors"));
  after(() => file.close());

  for (const name of [...file.tensors.keys()].filter((key) => key !== "grid")) {
    it(`agrees with PyTorch's antialiased bicubic, 5×7 → ${name}`, () => {
      const [height, width] = name.split("x").map(Number);
      tf.tidy(() => {
        const grid = tf.tensor3d(file.read("grid"), [5, 7, 3]);
        const resized = resampleGrid(grid, [height, width]);
        assert.deepEqual(resized.shape, [height, width, 3]);
        assert.ok(relativeError(resized.dataSync(), file.read(name)) < 1e-5);
      });
    });
  }

  it("leaves the class token as it is, and a grid of the same size", () => {
    tf.tidy(() => {
      const embedding = tf.randomNormal<tf.Rank.R3>([1, 1 + 16, 4], 0, 1, "float32", 1);
      const same = resamplePositions(embedding, 1, [4, 4]);
      assert.ok(relativeError(same.dataSync(), embedding.dataSync<"float32">()) < 1e-6);
      const larger = resamplePositions(embedding, 1, [6, 5]);
      assert.deepEqual(larger.shape, [1, 31, 4]);
      assert.deepEqual(larger.dataSync().slice(0, 4), embedding.dataSync().slice(0, 4));
    });
  });
});
