import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { findNotFinite, firstNotFinite } from "#lib/engine/finite";
import { gelu, layerNorm, linear } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { fixed } from "./cases";

/** Three layers and a loss; `spoil` acts on what goes from the first to the second. */
function net(spoil: (x: tf.Tensor) => tf.Tensor) {
  const weights = new Map(
    ["head", "blocks.0", "blocks.1"].map((name, i): [string, tf.Variable] => [
      `${name}.weight`,
      tf.tidy(() => tf.variable(fixed([4, 4], [-1, 1], i))),
    ]),
  );
  const weight = (name: string) => weights.get(`${name}.weight`) as unknown as tf.Tensor2D;
  const loss = () => {
    const first = gelu(linear(fixed([3, 4]), weight("blocks.0")));
    const second = layerNorm(
      linear(spoil(first), weight("blocks.1")),
      tf.ones([4]),
      tf.zeros([4]),
      1e-6,
    );
    return tf.mean(tf.square(linear(second, weight("head")))) as tf.Scalar;
  };
  const variables = [...weights.values()];
  return { weights, variables, step: () => tf.variableGrads(loss, variables) };
}

describe("what is not finite", () => {
  before(() => startEngine());
  afterEach(() => tf.setBackend("tensorflow"));

  it("is found by name among tensors", () => {
    tf.tidy(() => {
      const named = (lists: number[][]) =>
        lists.map((list, i): [string, tf.Tensor] => [`t${i}`, tf.tensor1d(list)]);
      assert.equal(firstNotFinite(named([[1, 3e38, 3e38], [2]])), undefined);
      assert.equal(firstNotFinite(named([[1], [2, Number.NaN], [Number.NaN]])), "t1");
      assert.equal(firstNotFinite(named([[1], [2, Number.NEGATIVE_INFINITY]])), "t1");
    });
  });

  for (const backend of ["tensorflow", "cpu"]) {
    const cases: [string, (x: tf.Tensor) => tf.Tensor, RegExp | undefined, string | undefined][] = [
      ["nothing", (x) => x, undefined, undefined],
      ["an overflow forwards", (x) => tf.exp(tf.mul(x, 1000)), /^Exp$/, "blocks.0.weight"],
      // √ has no slope at 0: the gradient is 0 / 0 on the way back, after the second block's.
      [
        "a gradient that is not",
        (x) => tf.sqrt(tf.mul(x, 0)),
        /Div|Mul|Pow|Rsqrt|SqrtGrad/,
        "blocks.1.weight",
      ],
    ];
    for (const [what, spoil, op, near] of cases) {
      it(`is traced to its op and layer on ${backend}: ${what}`, async () => {
        await tf.setBackend(backend);
        const before = tf.memory().numTensors;
        const { weights, variables, step } = net(spoil);
        const found = findNotFinite(step, weights);
        if (op === undefined) assert.equal(found, undefined);
        else {
          assert.match(found?.op ?? "", op);
          assert.equal(found?.near, near);
        }
        tf.dispose(variables);
        assert.equal(tf.memory().numTensors, before, "tensors left over");
      });
    }

    it(`is a weight's own on ${backend}`, async () => {
      await tf.setBackend(backend);
      const { weights, variables, step } = net((x) => x);
      tf.tidy(() => weights.get("blocks.1.weight")?.assign(tf.fill([4, 4], Number.NaN)));
      assert.deepEqual(findNotFinite(step, weights), {
        op: "variable",
        after: 0,
        near: "blocks.1.weight",
      });
      tf.dispose(variables);
    });
  }
});
