/**
 * Every model at full size against PyTorch, made on the spot:
 *
 *     PARITY_PYTHON=python3 npm run test:parity        (packages: see tools/fixtures/models.py)
 *     PARITY_MODELS=resnet50,cvt_13 … for some of them
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { parameterCount } from "#lib/models/model-summary";
import { listModels } from "#lib/models/registry";
import { checkForward, Reference } from "../models/parity";

const python = process.env.PARITY_PYTHON ?? process.env.BENCH_PYTHON;
const chosen = process.env.PARITY_MODELS?.split(",");
const names = chosen ?? listModels().filter((name) => !name.startsWith("test_"));
/** Smaller images where the published size would only cost time. */
const sizes: Readonly<Record<string, number>> = {
  vit_small_patch14_dinov2: 224,
  vit_base_patch14_dinov2: 224,
  vit_small_patch14_reg4_dinov2: 224,
  vit_base_patch14_reg4_dinov2: 224,
};

describe("full-size models", function () {
  this.timeout(600_000);
  before(async function () {
    if (python === undefined) {
      console.log("skipped: PARITY_PYTHON names no Python with PyTorch and timm");
      this.skip();
    }
    await startEngine();
  });

  for (const name of names) {
    it(`${name} answers as PyTorch does`, () => {
      const folder = mkdtempSync(join(tmpdir(), "parity-"));
      const generator = join(__dirname, "../../tools/fixtures/models.py");
      const size = sizes[name] === undefined ? [] : ["--size", String(sizes[name])];
      const made = spawnSync(
        python ?? "",
        [generator, name, "--out", folder, "--batch", "2", ...size],
        { encoding: "utf8" },
      );
      assert.equal(made.status, 0, made.stderr);
      const tensors = tf.memory().numTensors;
      const reference = new Reference(folder, name);
      const model = reference.model(name);
      assert.equal(parameterCount(model), reference.parameters, "number of parameters");
      // 1e-4, or where PyTorch's float32 is itself no nearer to float64, a few times its distance.
      const error = checkForward(model, reference, Math.max(1e-4, 4 * reference.rounding));
      const [ours, torch] = [error, reference.rounding].map((e) => e.toExponential(1));
      console.log(`        off by ${ours} of the largest value; PyTorch's own float32: ${torch}`);
      model.dispose();
      reference.close();
      rmSync(folder, { recursive: true });
      assert.equal(tf.memory().numTensors, tensors, "tensors leaked");
    });
  }
});
