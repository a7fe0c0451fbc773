import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { createModel } from "#lib/models/registry";
import { writeWebModel } from "#lib/models/web-format";
import { readWebModel } from "#lib/models/web-model";
import { temporaryFolder } from "../train/support";

describe("a model for the web", () => {
  const folder = temporaryFolder();
  const read = async (name: string) => new Uint8Array(await readFile(join(folder.path, name)));
  before(startEngine);
  after(() => folder.remove());

  it("is not written as float16 where a weight is beyond it", () => {
    const model = createModel("test_custom_cnn", { numClasses: 3 });
    const bias = model.parameters.get("fc.bias")?.variable ?? assert.fail();
    tf.tidy(() => bias.assign(tf.tensor1d([1, 0, 7e4])));
    assert.throws(
      () => writeWebModel(model, folder.path, {}, { half: true }),
      /fc\.bias has the value 70000, and a float16 reaches 65504/,
    );
    model.dispose();
  });

  for (const half of [false, true]) {
    it(`is read as it was written, ${half ? "float16" : "float32"}`, async () => {
      const model = createModel("test_custom_cnn", { numClasses: 3, seed: 4 });
      const task = { task: "classification", loss: "crossEntropy", outputs: ["a", "b", "c"] };
      writeWebModel(model, folder.path, { task }, { half, temperature: 1.5 });
      const before = tf.memory().numTensors;
      const found = await readWebModel(read);
      assert.deepEqual(found.manifest.description.task, task);
      assert.equal(found.manifest.temperature, 1.5);
      for (const [name, { variable }] of found.model.parameters) {
        const wanted = model.parameters.get(name)?.variable.dataSync() ?? [];
        const values = variable.dataSync();
        for (let i = 0; i < values.length; i++) {
          const allowed = half ? 6e-4 * Math.abs(wanted[i]) + 1e-7 : 0;
          assert.ok(Math.abs(values[i] - wanted[i]) <= allowed, `${name}: ${values[i]}`);
        }
      }
      found.model.dispose();
      assert.equal(tf.memory().numTensors, before);
      model.dispose();
    });
  }

  it("is refused where it is damaged, cut short or not itself", async () => {
    const before = tf.memory().numTensors;
    const shard = await read("weights-1.bin");
    const text = new TextDecoder().decode(await read("model.json"));
    const changed = shard.slice();
    changed[100] ^= 1;
    for (const bytes of [changed, shard.slice(0, -4), new Uint8Array()]) {
      await writeFile(join(folder.path, "weights-1.bin"), bytes);
      await assert.rejects(readWebModel(read), /weights-1\.bin is damaged.*checksum/);
    }
    await writeFile(join(folder.path, "weights-1.bin"), shard);
    const wrong: [from: string, to: string, problem: RegExp][] = [
      ['"fc.bias"', '"fc.bia"', /weights do not fit: test_custom_cnn has no fc\.bia/],
      ['"test_custom_cnn"', '"resnet"', /no model "resnet"/],
      ['"tuning-fork-web"', '"other"', /model\.json is not valid: format/],
      ['"weights-1.bin"', '"../secret"', /model\.json is not valid: weightsManifest/],
      ["{", "[", /model\.json is no JSON/],
    ];
    for (const [from, to, problem] of wrong) {
      await writeFile(join(folder.path, "model.json"), text.replace(from, to));
      await assert.rejects(readWebModel(read), problem);
    }
    assert.equal(tf.memory().numTensors, before);
  });
});
