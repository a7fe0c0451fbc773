import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { DT } from "#lib/engine/native";
import { gelu } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { launchWith } from "#lib/engine/tensorflow/fused-body";
import { castNode } from "#lib/engine/tensorflow/graph";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { shortErf } from "#lib/engine/tensorflow/passes/short-erf";
import { Session } from "#lib/engine/tensorflow/session";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fused } from "#lib/engine/trace";

/** 65,536 numbers from −20 to 20, and what is no number. */
function numbers(): tf.Tensor {
  const values = Float32Array.from({ length: 2 ** 16 }, (_, i) => (i - 2 ** 15) / 1638.4);
  values.set([Number.NaN, Infinity, -Infinity, 0, -100, 100], 1000);
  return tf.tensor1d(values);
}

describe("the error function in bfloat16", () => {
  before(() => startEngine());

  /** What the polynomial gives, before it is rounded: the kernel's float32 sum is taken out of it. */
  function polynomialOf(fn: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): Float32Array {
    const trace = traceFunction("kernel", fn as never, [x], new Map());
    const call = trace.nodes.find(({ body }) => body !== undefined);
    assert.ok(call?.body);
    const low = castNode("low", { node: trace.inputs[0], index: 0 }, DT.bfloat16);
    const launch = launchWith(call, call.body, [{ node: low, index: 0 }]);
    const before = { ...trace, nodes: [...trace.inputs, low, launch] };
    const made = shortErf.run({ ...before, outputs: [{ node: launch, index: 0 }] }, TARGET);
    const last = made.nodes[made.nodes.length - 1];
    const body = last.body;
    assert.ok(body);
    assert.ok(!body.nodes.some(({ op }) => op === "Erf"), "none is left");
    const wide = body.outputs[0].node.inputs[0];
    const whole = {
      ...last,
      outputs: [{ ...last.outputs[0], dtype: DT.float32 }],
      body: { ...body, outputs: [wide] },
    };
    const session = new Session([...made.nodes.slice(0, -1), whole]);
    const [result] = session.run([x], [`${made.inputs[0].name}:0`], [`${whole.name}:0`]);
    session.close();
    return result.dataSync() as Float32Array;
  }

  const TARGET = { precision: "mixed_bfloat16", portable: false } as const;
  /** As the kernel sees them. */
  const rounded = (x: tf.Tensor) =>
    Float32Array.from(x.dataSync(), (value) => {
      const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
      const up = bits + 0x7fff + ((bits >>> 16) & 1);
      return Number.isNaN(value)
        ? value
        : new Float32Array(Uint32Array.of((up >>> 16) << 16).buffer)[0];
    });

  it("is met within 6e-5, GELU within 1.2e-4; NaN stays, and far out it is 1", () => {
    const { numTensors } = tf.memory();
    tf.tidy(() => {
      const x = numbers();
      const at = tf.tensor1d(rounded(x));
      const places = at.dataSync();
      const exact = { erf: tf.erf(at).dataSync(), gelu: gelu(at).dataSync() };
      const got = {
        erf: polynomialOf((v) => fused(() => tf.add(tf.erf(v), 0)), x),
        gelu: polynomialOf((v) => gelu(v), x),
      };
      for (const [name, most] of [
        ["erf", 6.1e-5],
        ["gelu", 1.2e-4],
      ] as const) {
        for (const [i, value] of got[name].entries()) {
          const expected = exact[name][i];
          if (Number.isNaN(places[i])) assert.ok(Number.isNaN(value), `${name} of NaN`);
          else if (Number.isFinite(expected)) {
            const limit = most + 4e-6 * Math.abs(places[i]);
            assert.ok(Math.abs(value - expected) <= limit, `${name}(${places[i]}) = ${value}`);
          }
        }
      }
    });
    assert.equal(tf.memory().numTensors, numTensors);
  });

  it("stays what it is in float32", () => {
    tf.tidy(() => {
      const trace = traceFunction(
        "f",
        ((x: tf.Tensor) => gelu(x)) as never,
        [numbers()],
        new Map(),
      );
      const { nodes } = applyPasses(trace, { ...TARGET, precision: "float32" });
      assert.ok(nodes.some(({ body }) => body?.nodes.some(({ op }) => op === "Erf")));
    });
  });
});
