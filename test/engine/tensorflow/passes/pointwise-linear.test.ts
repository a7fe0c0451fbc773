import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { gelu, linear } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import type { Trace } from "#lib/engine/tensorflow/function-trace";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { notOnGpu } from "../../support";
import { handlesOf } from "../support";

const FORCED = "TUNING_FORK_PROCESSOR";

/** Two layers, of which one has a bias, and the gradients of all that is in them. */
function makeNet() {
  const w1 = tf.variable(fixed([24, 16], [-1, 1], 1)) as tf.Variable<tf.Rank.R2>;
  const b1 = tf.variable(fixed([24], [-1, 1], 2)) as tf.Variable<tf.Rank.R1>;
  const w2 = tf.variable(fixed([16, 24], [-1, 1], 3)) as tf.Variable<tf.Rank.R2>;
  const variables = [w1, b1, w2];
  const predict = (x: tf.Tensor) => linear(gelu(linear(x, w1, b1)), w2);
  const learn = (x: tf.Tensor) => {
    const loss = () => tf.mean(tf.square(predict(x))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, variables);
    return [value, ...variables.map(({ name }) => grads[name])];
  };
  return { variables, predict, learn };
}

describe("linear layers as convolutions", () => {
  before(async function () {
    await startEngine();
    notOnGpu.call(this);
  });
  const outside = process.env[FORCED];
  afterEach(() => {
    if (outside === undefined) delete process.env[FORCED];
    else process.env[FORCED] = outside;
  });

  // The transpose is an op of its own from 2,048 rows on.
  for (const tokens of [5, 520]) {
    it(`${4 * tokens} rows: results and gradients as by products, no tensor more`, () => {
      const { numTensors } = tf.memory();
      tf.tidy(() => {
        const net = makeNet();
        const x = fixed([4, tokens, 16], [-1, 1], 4);
        const results = (precision: "float32" | "mixed_bfloat16", processor: string) => {
          process.env[FORCED] = processor;
          const { predict, learn } = net;
          const compiled = compile({ predict, learn }, { variables: net.variables, precision });
          const learned = compiled.call.learn(x) as tf.Tensor[];
          const all = [compiled.call.predict(x) as tf.Tensor, ...learned];
          compiled.dispose();
          return all.map((tensor) => Array.from(tensor.dataSync()));
        };
        const plain = results("float32", "avx2");
        const got = results("mixed_bfloat16", "amx_bf16");
        for (const [i, list] of plain.entries()) {
          const most = 0.02 * Math.max(...list.map(Math.abs));
          const off = list.findIndex((value, k) => !(Math.abs(got[i][k] - value) <= most));
          assert.equal(off, -1, `result ${i}: ${got[i][off]} for ${list[off]}`);
        }
        assert.deepEqual(results("float32", "amx_bf16"), plain, "float32 stays as it is");
        tf.dispose(net.variables);
      });
      assert.equal(tf.memory().numTensors, numTensors);
    });
  }

  it("takes the layers and their gradients by inputs, and no small product", () => {
    tf.tidy(() => {
      const { variables, learn } = makeNet();
      const handles = handlesOf(variables);
      const ops = (tokens: number, processor: string, portable = false) => {
        process.env[FORCED] = processor;
        const traced = traceFunction("learn", learn, [fixed([4, tokens, 16])], handles);
        const made: Trace = applyPasses(traced, { precision: "mixed_bfloat16", portable });
        const count = (op: string) => made.nodes.filter((node) => node.op === op).length;
        return ["Conv2D", "MatMul"].map(count);
      };
      // Two layers, their gradients by inputs and by weights, and the bias's sum.
      assert.deepEqual(ops(5, "avx512_bf16"), [0, 7]);
      assert.deepEqual(ops(5, "amx_bf16"), [4, 3]);
      assert.deepEqual(ops(5, "amx_bf16", true), [0, 7]);
      assert.deepEqual(ops(3, "amx_bf16"), [0, 7]);
      tf.dispose(variables);
    });
  });
});
