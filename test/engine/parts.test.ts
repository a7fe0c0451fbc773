import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { dropout, gelu, layerNorm, linear } from "#lib/engine/ops";
import { inParts, partSeed, usualParts } from "#lib/engine/parts";
import { startEngine } from "#lib/engine/start";
import { nativeBackend } from "#lib/engine/tensorflow/binding";
import { fixed } from "./cases";

/** Two layers and the gradients by all that they hold, of a batch in so many parts. */
function makeNet(parts: number) {
  const w1 = tf.variable(fixed([12, 8], [-1, 1], 1)) as tf.Variable<tf.Rank.R2>;
  const scale = tf.variable(fixed([12], [0.5, 1], 2));
  const offset = tf.variable(fixed([12], [-1, 1], 3));
  const w2 = tf.variable(fixed([4, 12], [-1, 1], 4)) as tf.Variable<tf.Rank.R2>;
  const variables = [w1, scale, offset, w2];
  const predict = (x: tf.Tensor, seed?: tf.Tensor) =>
    inParts(x, parts, (part, i) => {
      const hidden = layerNorm(gelu(linear(part, w1)), scale, offset, 1e-6);
      const kept = seed ? dropout(hidden, { rate: 0.5, seed: partSeed(seed, i) }) : hidden;
      return linear(kept, w2);
    });
  const learn = (x: tf.Tensor) => {
    const loss = () => tf.mean(tf.square(predict(x))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, variables);
    return [value, ...variables.map(({ name }) => grads[name])];
  };
  return { variables, predict, learn };
}

describe("batches in parts", () => {
  before(() => startEngine());

  it("one graph with as many threads: results and gradients are those of the whole batch", () => {
    const { numTensors } = tf.memory();
    tf.tidy(() => {
      const [whole, parted] = [makeNet(1), makeNet(3)];
      const compiled = compile(
        { predict: (x: tf.Tensor) => parted.predict(x), learn: parted.learn },
        { variables: parted.variables, parts: 3 },
      );
      // With as many tokens what is fused is a kernel of XLA's in each part.
      for (const [batch, tokens] of [
        [1, 5],
        [2, 5],
        [7, 5],
        [6, 2800],
      ]) {
        const x = fixed([batch, tokens, 8], [-1, 1], 5);
        const expected = [whole.predict(x), ...whole.learn(x)];
        const got = [compiled.call.predict(x) as tf.Tensor, ...compiled.call.learn(x)];
        const eager = [parted.predict(x), ...parted.learn(x)];
        for (const [i, value] of expected.entries()) {
          for (const other of [got[i], eager[i]]) {
            assert.deepEqual(other.shape, value.shape);
            const largest = tf.max(tf.abs(value)).dataSync()[0];
            const error = tf.max(tf.abs(tf.sub(other, value))).dataSync()[0];
            assert.ok(error <= 1e-5 * largest, `batch ${batch}, result ${i}: off by ${error}`);
          }
        }
      }
      compiled.dispose();
      tf.dispose([...whole.variables, ...parted.variables]);
    });
    assert.equal(tf.memory().numTensors, numTensors);
  });

  it("each part drops other values, the first one those of the whole batch, and all of them again", () => {
    tf.tidy(() => {
      const net = makeNet(2);
      const predict = (x: tf.Tensor, seed: tf.Tensor) => net.predict(x, seed);
      const { call, dispose } = compile({ predict }, { variables: net.variables, parts: 2 });
      const seed = tf.tensor1d([7, 11], "int32");
      const half = fixed([2, 64, 8], [-1, 1], 6);
      const both = tf.concat([half, half]);
      const [first, second] = tf.split(call.predict(both, seed), 2).map((y) => [...y.dataSync()]);
      assert.notDeepEqual(second, first);
      const far = tf.max(
        tf.abs(tf.sub(call.predict(both, seed), tf.tensor([...first, ...second], [4, 64, 4]))),
      );
      assert.equal(far.dataSync()[0], 0);
      const alone = makeNet(1).predict(half, seed).dataSync();
      first.forEach((value, i) => {
        assert.ok(Math.abs(value - alone[i]) < 1e-5);
      });
      dispose();
    });
  });

  it("the binding reads which threads a session has", () => {
    const { binding } = nativeBackend();
    const folder = mkdtempSync(join(tmpdir(), "tuning-fork-test-"));
    try {
      process.env.TUNING_FORK_DUMP_GRAPH = folder;
      const { call, dispose } = compile(
        { twice: (x) => tf.add(x, x) },
        { variables: [], parts: 2 },
      );
      tf.tidy(() => call.twice(tf.ones([4])));
      dispose();
      delete process.env.TUNING_FORK_DUMP_GRAPH;
      const graph = join(folder, readdirSync(folder)[0]);
      binding.deleteSavedModel(binding.loadSavedModel(graph, "serve"));
      writeFileSync(join(graph, "session.config"), "no ConfigProto");
      assert.throws(() => binding.loadSavedModel(graph, "serve"), /ConfigProto/);
    } finally {
      delete process.env.TUNING_FORK_DUMP_GRAPH;
      rmSync(folder, { recursive: true });
    }
  });

  it("as many as cores, up to eight, where the processor is faster by them", () => {
    const outside = process.env.TUNING_FORK_PROCESSOR;
    const parts = ["avx2", "avx512", "amx_bf16"].map((processor) => {
      process.env.TUNING_FORK_PROCESSOR = processor;
      return usualParts();
    });
    if (outside === undefined) delete process.env.TUNING_FORK_PROCESSOR;
    else process.env.TUNING_FORK_PROCESSOR = outside;
    assert.deepEqual(parts.slice(0, 2), [1, 1]);
    assert.ok(parts[2] >= 1 && parts[2] <= 8);
  });
});
