import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { augmentationPresets, parseAugmentation } from "#lib/data/augment";
import type { Dataset } from "#lib/data/dataset";
import { augmentImages, imageStatistics, meanImages } from "#lib/data/image-statistics";
import { startEngine } from "#lib/engine/start";

/** Two classes of 1 × 2 images, whose statistics a person can work out. */
const pixels = [
  [100, 50, 10, 100, 50, 10],
  [0, 0, 0, 200, 100, 20],
  [30, 30, 30, 30, 30, 30],
];
const dataset: Dataset = {
  name: "tiny",
  classNames: ["a", "b", "nobody"],
  table: { id: ["x", "y", "z"], label: [0, 0, 1] },
  size: 3,
  view: {},
  imageSize: [1, 2],
  read: async (rows) => Uint8Array.from(Array.from(rows).flatMap((row) => pixels[row])),
  close: async () => {},
};

describe("image statistics", () => {
  it("are means, standard deviation and color", async () => {
    const table = await imageStatistics(dataset);
    assert.deepEqual(table.class, ["a", "a", "b"]);
    assert.deepEqual([...table.red], [100, 100, 30]);
    assert.deepEqual([...table.blue], [10, 10, 30]);
    assert.ok(Math.abs(Number(table.brightness[0]) - 160 / 3) < 1e-9);
    assert.equal(table.contrast[2], 0);
    // 0 and 320/3, so the standard deviation is half their distance.
    assert.ok(Math.abs(Number(table.contrast[1]) - 160 / 3) < 1e-9);
    assert.ok(Math.abs(Number(table.color[0]) - 2.5) < 1e-9);
    assert.deepEqual((await imageStatistics(dataset, [2])).id, ["z"]);
  });

  it("average the images of each class", async () => {
    assert.deepEqual(
      [...(await meanImages(dataset))],
      [50, 25, 5, 150, 75, 15, 30, 30, 30, 30, 30, 30, 0, 0, 0, 0, 0, 0],
    );
  });

  it("show what augmentation does, and leave no tensor", async () => {
    await startEngine();
    const images = Uint8Array.from({ length: 4 * 8 * 8 * 3 }, (_, i) => (i * 37) % 256);
    const before = tf.memory().numTensors;
    assert.deepEqual(augmentImages(images, [8, 8], augmentationPresets.none), images);
    const mirrored = augmentImages(images, [8, 8], parseAugmentation({ cutmix: 1 }), 3);
    assert.notDeepEqual(mirrored, images);
    // CutMix only moves pixels about: every one is that of an image or of its partner.
    for (let i = 0; i < images.length; i++) {
      const partner = images[(3 - Math.floor(i / 192)) * 192 + (i % 192)];
      assert.ok(mirrored[i] === images[i] || mirrored[i] === partner);
    }
    assert.equal(tf.memory().numTensors, before);
  });
});
