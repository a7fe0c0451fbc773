import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { exportSavedModel } from "#lib/engine/export-function";
import { gelu, layerNorm, linear } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { fixed } from "./cases";

describe("exportSavedModel", () => {
  before(() => startEngine());
  const folder = mkdtempSync(join(tmpdir(), "tuning-fork-export-"));
  after(() => rmSync(folder, { recursive: true }));

  const make = () => {
    const w = tf.variable(fixed([3, 8], [-1, 1], 1)) as unknown as tf.Variable<tf.Rank.R2>;
    const b = tf.variable(fixed([3], [-1, 1], 2)) as unknown as tf.Variable<tf.Rank.R1>;
    const fn = (x: tf.Tensor) => {
      const logits = linear(gelu(layerNorm(x, tf.ones([8]), tf.zeros([8]), 1e-6)), w, b);
      return [tf.softmax(logits), logits];
    };
    return { w, b, fn };
  };
  const shapes = { inputs: [{ name: "x", shape: [4, 8] }], outputs: ["probabilities", "logits"] };

  it("writes what TensorFlow loads by its signature", async () => {
    const { w, b, fn } = make();
    const { numTensors } = tf.memory();
    exportSavedModel(fn, folder, { ...shapes, variables: [w, b] });
    assert.equal(tf.memory().numTensors, numTensors);
    const node: typeof import("@tensorflow/tfjs-node-gpu") = require("@tensorflow/tfjs-node-gpu");
    const [info] = await node.node.getMetaGraphsFromSavedModel(folder);
    assert.deepEqual(info.tags, ["serve"]);
    assert.deepEqual(Object.keys(info.signatureDefs.serving_default.outputs).sort(), [
      "logits",
      "probabilities",
    ]);
    const model = await node.node.loadSavedModel(folder);
    const x = fixed([4, 8], [-2, 2], 3);
    const results = model.predict({ x: x as never }) as unknown as Record<string, tf.Tensor>;
    const [probabilities, logits] = fn(x);
    for (const [name, expected] of Object.entries({ probabilities, logits })) {
      const got = results[name].dataSync();
      expected.dataSync().forEach((value, i) => {
        assert.ok(Math.abs(got[i] - value) < 1e-5, `${name} ${i}: ${got[i]} for ${value}`);
      });
    }
    model.dispose();
  });

  it("opens in Python's TensorFlow", function () {
    const python = process.env.TENSORFLOW_PYTHON;
    // A Python with TensorFlow is 2 GB; name one to have this checked too.
    if (python === undefined) return this.skip();
    const { w, b, fn } = make();
    exportSavedModel(fn, folder, { ...shapes, variables: [w, b] });
    const script = `
import json, sys, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
x = tf.constant(json.loads(sys.argv[2]), shape=[4, 8])
print(json.dumps(model.signatures["serving_default"](x=x)["logits"].numpy().tolist()))`;
    const x = fixed([4, 8], [-2, 2], 3);
    const values = JSON.stringify(Array.from(x.dataSync()));
    const { stdout, stderr } = spawnSync(python, ["-c", script, folder, values], {
      encoding: "utf8",
    });
    assert.ok(stdout !== "", stderr);
    const got: number[] = JSON.parse(stdout).flat();
    fn(x)[1]
      .dataSync()
      .forEach((value, i) => {
        assert.ok(Math.abs(got[i] - value) < 1e-5);
      });
  }).timeout(120_000);

  it("refuses what cannot be exported, saying why", () => {
    const { w, b, fn } = make();
    const variables = [w, b];
    const training = (x: tf.Tensor) => {
      b.assign(tf.zeros([3]));
      return fn(x);
    };
    const run = (f: typeof fn, outputs: string[]) => () =>
      exportSavedModel(f, folder, { ...shapes, outputs, variables });
    assert.throws(run(training, shapes.outputs), /changes a variable/);
    assert.throws(run(fn, ["one"]), /2 results for 1 names/);
  });
});
