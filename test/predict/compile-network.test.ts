import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import type { Model } from "#lib/models/module";
import { compileNetwork } from "#lib/predict/compile-network";
import { notOnGpu } from "../engine/support";

describe("a compiled network", () => {
  const outside = process.env.TUNING_FORK_PROCESSOR;
  before(async function () {
    await startEngine();
    notOnGpu.call(this);
    if (availableParallelism() === 1) this.skip();
    process.env.TUNING_FORK_PROCESSOR = "amx_bf16";
  });
  after(() => {
    if (outside === undefined) delete process.env.TUNING_FORK_PROCESSOR;
    else process.env.TUNING_FORK_PROCESSOR = outside;
  });

  /** Whether a network of so many weights is asked in parts about a batch, of many images in all. */
  function inParts(weights: number, batch: number, images = 1000): boolean {
    const variable = tf.variable(tf.zeros([weights]));
    const model = { parameters: new Map([["w", { variable }]]) } as unknown as Model;
    const network = compileNetwork(model, { answer: (x) => x });
    const parted = network.callFor(batch, images) !== network.callFor(1, 1);
    network.dispose();
    variable.dispose();
    return parted;
  }

  it("is asked in parts where batch and images are many enough for its weights", () => {
    assert.equal(inParts(1000, 64), true);
    assert.equal(inParts(1000, 2), false);
    assert.equal(inParts(1000, 64, 10), false);
    // As VGG-16 in small batches: each part would read all of the weights.
    const cores = Math.min(availableParallelism(), 8);
    assert.equal(inParts(2 ** 25 + 1, 2 * cores), false);
    assert.equal(inParts(2 ** 25 + 1, 4 * cores), true);
  });
});
