import assert from "node:assert/strict";
import type * as tf from "@tensorflow/tfjs-core";
import { makeGalaxy } from "#lib/data/simulator";
import { startEngine } from "#lib/engine/start";
import { gradCam } from "#lib/explain/grad-cam";
import { guidedBackprop } from "#lib/explain/guided-backprop";
import { integratedGradients } from "#lib/explain/integrated-gradients";
import { ellipseMask, localization } from "#lib/explain/localization";
import { mapOf, type SaliencyMaps } from "#lib/explain/saliency-maps";
import { upsample } from "#lib/explain/upsample";
import type { Model } from "#lib/models/module";
import { createModel } from "#lib/models/registry";
import { modelImages } from "#lib/predict/image-batch";
import { createTask } from "#lib/tasks/registry";
import { trainConfigSchema } from "#lib/train/config";
import { fit as learn } from "#lib/train/fit";
import { RunFolder } from "#lib/train/run-folder";
import { temporaryFolder } from "../train/support";

const SIDE = 64;
const ARCSEC = 38.4 / SIDE;

type Galaxies = ReturnType<typeof draw>;

/** Galaxies of the ten classes with their truth; merging pairs, which are no ellipse, left out. */
function draw(from: number, count: number) {
  const galaxies = [];
  for (let i = from; galaxies.length < count; i++) {
    const galaxy = makeGalaxy(11, i, SIDE);
    if (galaxy.truth.separation === 0) galaxies.push(galaxy);
  }
  return galaxies;
}

function dataset(galaxies: Galaxies) {
  return {
    name: "synthetic",
    classNames: Array.from({ length: 10 }, (_, i) => `class ${i}`),
    table: {
      id: galaxies.map((_, i) => `${i}`),
      label: Int32Array.from(galaxies, ({ truth }) => truth.label),
    },
    size: galaxies.length,
    view: {},
    imageSize: [SIDE, SIDE] as const,
    read: async (rows: ArrayLike<number>) =>
      new Uint8Array(Buffer.concat(Array.from(rows, (row) => galaxies[row].image))),
    close: async () => {},
  };
}

const methods: Readonly<
  Record<string, (m: Model, x: tf.Tensor4D, target: number[]) => SaliencyMaps>
> = {
  "Grad-CAM": (model, x, target) => gradCam(model, x, { target, layer: "blocks.1" }),
  "guided backpropagation": guidedBackprop,
  "integrated gradients": (model, x, target) => {
    const { values, size } = integratedGradients(model, x, { target, steps: 8 });
    return { values: values.map(Math.abs), size };
  },
};

/** Mean share of hits and of energy inside the galaxies' ellipses, by method. */
function measure(model: Model, galaxies: Galaxies) {
  const images = modelImages(model, {
    pixels: new Uint8Array(Buffer.concat(galaxies.map((g) => g.image))),
    size: [SIDE, SIDE],
  });
  const target = galaxies.map(({ truth }) => truth.label);
  const rows = Object.entries(methods).map(([name, method]) => {
    const maps = upsample(method(model, images, target), [SIDE, SIDE]);
    const found = galaxies.map(({ truth }, i) =>
      localization(mapOf(maps, i), ellipseMask([SIDE, SIDE], { ...truth, pixel: ARCSEC })),
    );
    const mean = (value: (l: (typeof found)[number]) => number) =>
      found.reduce((sum, l) => sum + value(l), 0) / found.length;
    const result = {
      hits: mean((l) => Number(l.hit)),
      energy: mean((l) => l.energy),
      area: mean((l) => l.area),
    };
    return [name, result] as const;
  });
  images.dispose();
  return Object.fromEntries(rows);
}

describe("attribution falls on the galaxy, not on empty sky or stars in front", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("of a network that has learned, and less so of one that has not", async function () {
    this.timeout(300_000);
    await startEngine();
    const options = { numClasses: 10, inputSize: [SIDE, SIDE] as const, seed: 3 };
    const [learned, fresh] = [
      createModel("custom_cnn", options),
      createModel("custom_cnn", options),
    ];
    const data = dataset(draw(0, 320));
    const run = new RunFolder(folder.path);
    const config = trainConfigSchema.parse({
      epochs: 3,
      batchSize: 32,
      optimizer: { name: "adamw", learningRate: 4e-3, weightDecay: 0.05 },
      augmentation: "galaxy",
    });
    const train = Uint32Array.from(data.table.label.keys());
    await learn({ model: learned, task: createTask(data), dataset: data, train }, config, run);

    const unseen = draw(5000, 40);
    const [after, before] = [measure(learned, unseen), measure(fresh, unseen)];
    if (process.env.TUNING_FORK_DEBUG) console.log({ after, before });
    for (const [name, { hits, energy, area }] of Object.entries(after)) {
      assert.ok(energy > 1.5 * area, `${name}: ${energy} of the energy on ${area} of the image`);
      assert.ok(energy > 1.25 * before[name].energy, `${name}: ${energy}, ${before[name].energy}`);
      assert.ok(hits > 2 * area, `${name}: ${hits} hits, ${area} by chance`);
    }
    const hits = (of: typeof after) => Object.values(of).reduce((sum, m) => sum + m.hits, 0) / 3;
    assert.ok(hits(after) > hits(before) + 0.1, `${hits(after)} hits, ${hits(before)} unlearned`);
    learned.dispose();
    fresh.dispose();
  });
});
