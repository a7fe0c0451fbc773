import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { DT } from "#lib/engine/native";
import { gelu, silu } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { launchWith } from "#lib/engine/tensorflow/fused-body";
import { castNode } from "#lib/engine/tensorflow/graph";
import { pairedCall } from "#lib/engine/tensorflow/passes/bf16-pairs";
import { Session } from "#lib/engine/tensorflow/session";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fused } from "#lib/engine/trace";
import { fixed } from "../../cases";

/** What one kernel gives for operands in bfloat16: as XLA converts them, and by twos. */
function bothWays(fn: (...xs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]) {
  const trace = traceFunction("kernel", fn, inputs, new Map());
  const call = trace.nodes.find(({ body }) => body !== undefined);
  assert.ok(call?.body, "the function became one kernel");
  const low = trace.inputs.map((node, i) => castNode(`low${i}`, { node, index: 0 }, DT.bfloat16));
  const operands = low.map((node) => ({ node, index: 0 }));
  const plain = launchWith(call, call.body, operands);
  const packed = plain.body && pairedCall({ ...plain, name: "twos" }, plain.body);
  const ways = packed === undefined ? [[plain]] : [[plain], packed];
  const results = ways.map((nodes, i) =>
    castNode(`wide${i}`, { node: nodes[nodes.length - 1], index: 0 }, DT.float32),
  );
  const session = new Session([...trace.inputs, ...low, ...ways.flat(), ...results]);
  const values = session
    .run(
      inputs,
      trace.inputs.map(({ name }) => `${name}:0`),
      results.map(({ name }) => `${name}:0`),
    )
    .map((tensor) => Array.from(tensor.dataSync()));
  session.close();
  return { plain: values[0], packed: values[1] };
}

/** The compiler contracts products and sums as it likes: the last digit of float32 may differ. */
function assertSame(got: readonly number[], expected: readonly number[]) {
  const wrong = expected.findIndex((value, i) => {
    if (Object.is(value, got[i])) return false;
    return !(Math.abs(value - got[i]) <= 2 ** -8 * Math.abs(value) + 1e-6);
  });
  assert.equal(wrong, -1, `element ${wrong}: ${got[wrong]} for ${expected[wrong]}`);
  assert.equal(got.length, expected.length);
}

/** What rounds, overflows or is no number, and what does neither. */
function values(shape: number[], salt: number): tf.Tensor {
  const tensor = fixed(shape, [-5, 5], salt);
  const data = Float32Array.from(tensor.dataSync());
  data.set([Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 3.39e38, -3.39e38, 1e-30], 10);
  return tf.tensor(data, shape);
}

describe("bf16 pairs", () => {
  before(() => startEngine());

  for (const [name, count, fn] of [
    ["gelu", 1, (x) => gelu(x)],
    ["gelu by tanh", 1, (x) => gelu(x, "tanh")],
    ["silu", 1, (x) => silu(x)],
    ["a chosen one of two", 2, (x, y) => fused(() => tf.maximum(tf.mul(x, 1.7), tf.exp(y)))],
  ] as [string, number, (...xs: tf.Tensor[]) => tf.Tensor][]) {
    it(`${name}: by twos the same numbers`, () => {
      tf.tidy(() => {
        const inputs = Array.from({ length: count }, (_, i) => values([40, 50, 34], i));
        const { plain, packed } = bothWays(fn, inputs);
        assert.ok(packed !== undefined, "it goes by twos");
        assertSame(packed, plain);
      });
    });
  }

  it("rounds sums to the same bits", () => {
    tf.tidy(() => {
      const sum = (x: tf.Tensor, y: tf.Tensor) => fused(() => tf.add(x, y));
      const { plain, packed } = bothWays(sum, [values([40, 50, 34], 1), values([40, 50, 34], 2)]);
      assert.deepEqual(packed, plain);
    });
  });

  it("takes a value for each row as it is", () => {
    tf.tidy(() => {
      const fn = (x: tf.Tensor, level: tf.Tensor) => fused(() => tf.square(tf.sub(x, level)));
      const { plain, packed } = bothWays(fn, [values([40, 50, 34], 1), values([40, 50, 1], 2)]);
      assert.ok(packed !== undefined, "it goes by twos");
      assertSame(packed, plain);
    });
  });

  it("leaves alone what is not element-wise, or of odd width", () => {
    tf.tidy(() => {
      const odd = bothWays((x) => gelu(x), [values([2100, 35], 1)]);
      assert.equal(odd.packed, undefined);
      const columns = (x: tf.Tensor, by: tf.Tensor) => fused(() => tf.mul(x, by));
      const { packed } = bothWays(columns, [values([2100, 34], 1), values([34], 2)]);
      assert.equal(packed, undefined);
      const moved = (x: tf.Tensor) => fused(() => tf.reshape(tf.mul(x, 2), [34, 2100]));
      assert.equal(bothWays(moved, [values([2100, 34], 1)]).packed, undefined);
    });
  });
});
