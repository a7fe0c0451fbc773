import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "#lib/data/dataset";
import { openDataset } from "#lib/data/open";
import { startEngine } from "#lib/engine/start";
import { parsePredictions } from "#lib/evaluate/predictions-csv";
import { loadWeights } from "#lib/models/model-file";
import type { Model } from "#lib/models/module";
import { createModel } from "#lib/models/registry";
import { writeWebModel } from "#lib/models/web-format";
import { modelImages } from "#lib/predict/image-batch";
import { predict } from "#lib/predict/network-predictor";
import { taskFromDescription } from "#lib/tasks/registry";
import { type Demo, galaxies, openDemo, ROOT } from "./demo-page";

const FIXTURES = join(ROOT, "test", "fixtures", "models");
const references: Readonly<Record<string, { size: number }>> = JSON.parse(
  readFileSync(join(FIXTURES, "references.json"), "utf8"),
);

/** One of each kind of layer; their weights are those that the models' own tests read. */
const FAMILIES = [
  "custom_cnn",
  "resnet18",
  "vgg",
  "vit",
  "linformer",
  "cvt",
  "efficientnet",
].concat(["convnext", "swinv2", "regnet", "dinov2", "p4m_resnet10"]);

/** Asked of a graphics card too, which the processor plays: slow, so few pictures and one engine each. */
const GRAPHICS: Readonly<Record<string, string>> = { custom_cnn: "webgl", vit: "webgpu" };
const FEW = 6;
/** `TUNING_FORK_TEST_GRAPHICS=webgl` or `webgpu`: all families and pictures by it, in half an hour. */
const asked = process.env.TUNING_FORK_TEST_GRAPHICS;

describe("the networks in a browser", function () {
  this.timeout(asked === undefined ? 120_000 : 900_000);
  let demo: Demo;
  before(async () => {
    demo = await openDemo({ graphics: true });
  });
  after(() => demo.close());

  it("are asked by the fastest engine that the browser has, where nobody names one", async () => {
    const page = await demo.open(demo.address, '[data-testid=engine]:has-text("WebGPU")');
    await page.context().close();
  });

  for (const family of FAMILIES) {
    const graphics = asked ?? GRAPHICS[family];
    const engines = ["wasm", graphics].filter((engine) => engine !== undefined);
    it(`says what Node says of 50 pictures: ${family}, ${engines.join(", ")}`, async () => {
      await startEngine();
      const name = `test_${family}`;
      const weights = join(FIXTURES, name, "weights.safetensors");
      const { size } = references[name];
      const outputs = ["a", "b", "c", "d", "e"];
      const description = { task: "classification", loss: "crossEntropy", outputs };
      const model = createModel(name, { numClasses: 5, inputSize: [size, size] });
      loadWeights(model, weights);
      const pictures = await galaxies(50, size);
      const pngs = join(demo.folder, `${name}-pictures`);
      mkdirSync(pngs);
      for (const { name: file, buffer } of pictures) writeFileSync(join(pngs, file), buffer);
      const dataset = await openDataset(pngs, { size });
      await tellApart(model, dataset);
      writeWebModel(model, join(demo.folder, name), { task: description });
      const task = taskFromDescription(description);
      const here = await predict(model, task, dataset);
      model.dispose();

      const p = task.answers(here);
      for (const engine of engines) {
        const url = `${demo.models}?engine=${engine}&model=model/${name}/#batch`;
        const page = await demo.open(url, 'input[aria-label="Pictures"]');
        const isFew = engine !== "wasm" && asked === undefined;
        const given = isFew ? pictures.slice(0, FEW) : pictures;
        await page.setInputFiles('input[aria-label="Pictures"]', given);
        const [download] = await Promise.all([
          page.waitForEvent("download", { timeout: 0 }),
          page.getByText("Save predictions.csv").click({ timeout: 0 }),
        ]);
        const there = parsePredictions(readFileSync(await download.path(), "utf8"), "page");
        await page.context().close();
        assert.deepEqual(there.ids, here.ids.slice(0, given.length));
        const { probabilities = assert.fail() } = there;
        const largest = Math.max(...probabilities.map((v, i) => Math.abs(v - p[i])));
        if (asked !== undefined) console.log(`${family}, ${engine}: ${largest}`);
        assert.ok(largest < 1e-3, `${engine}: ${largest}`);
      }
      const spread = outputs.map((_, c) => {
        const own = p.filter((_, i) => i % outputs.length === c);
        return Math.max(...own) - Math.min(...own);
      });
      assert.ok(Math.max(...spread) > 0.1, `${Math.max(...spread)} between galaxies`);
    });
  }
});

/** Scale and shift the classifier, which at random says nearly the same of all galaxies. */
async function tellApart(model: Model, dataset: Dataset): Promise<void> {
  const rows = Array.from({ length: dataset.size }, (_, row) => row);
  const pictures = { pixels: await dataset.read(rows), size: model.inputSize };
  const at = (name: string) => model.parameters.get(`${model.classifier}.${name}`)?.variable;
  const [weight = assert.fail(), bias = assert.fail()] = [at("weight"), at("bias")];
  const images = modelImages(model, pictures);
  tf.tidy(() => {
    const logits = model.forward(images, { training: false });
    const { mean, variance } = tf.moments(logits, 0);
    const factor = tf.div(2, tf.sqrt(tf.mean(variance)));
    weight.assign(tf.mul(weight, factor));
    bias.assign(tf.mul(tf.sub(bias, mean), factor));
  });
  images.dispose();
}
