import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { unitRange, upload } from "#lib/engine/ops/pixels";
import { startEngine } from "#lib/engine/start";

describe("stored pixels", () => {
  before(() => startEngine());

  // Four pixels go as one number where they lie so; else one by one.
  for (const [width, offset] of [
    [8, 0],
    [8, 1],
    [8, 4],
    [6, 0],
  ]) {
    it(`are numbers from 0 to 1: ${width} wide, ${offset} bytes into a buffer`, () => {
      const { numTensors } = tf.memory();
      const length = 2 * 3 * width * 3;
      const bytes = Uint8Array.from({ length: offset + length }, (_, i) => (i * 37) % 256);
      const pixels = bytes.subarray(offset);
      const compiled = compile({ fn: (x: tf.Tensor) => unitRange(x) }, { variables: [] });
      tf.tidy(() => {
        const sent = upload(pixels, [2, 3, width]);
        for (const image of [unitRange(sent), compiled.call.fn(sent)]) {
          assert.deepEqual(image.shape, [2, 3, width, 3]);
          const off = image.dataSync().map((value, i) => Math.abs(value - pixels[i] / 255));
          assert.ok(Math.max(...off) < 1e-6);
        }
      });
      compiled.dispose();
      assert.equal(tf.memory().numTensors, numTensors, "tensors left over");
    });
  }
});
