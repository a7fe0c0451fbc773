import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "#lib/engine/native";
import { gelu } from "#lib/engine/ops";
import { castNode, makeNode } from "#lib/engine/tensorflow/graph";
import {
  hasLinearKernel,
  hasOwnLinear,
  linearNode,
  type OwnLinear,
} from "#lib/engine/tensorflow/linear-op";
import { Session } from "#lib/engine/tensorflow/session";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";
import { runKernel } from "./support";

/** A layer, and how it is asked for. */
interface Case {
  readonly rows: number;
  readonly from: number;
  readonly to: number;
  readonly threads?: number;
  readonly transposes?: boolean;
  readonly activation?: OwnLinear["activation"];
  /** The type of what is added. */
  readonly residual?: number;
}

/** Numbers as bfloat16 has them. */
const rounded = (x: tf.Tensor) => {
  const bits = new Uint32Array(x.dataSync<"float32">().slice().buffer);
  const near = bits.map((value) => (value + 0x7fff + ((value >>> 16) & 1)) & 0xffff0000);
  return tf.tensor(new Float32Array(near.buffer), x.shape);
};

function operandsOf({ rows, from, to, transposes = false }: Case) {
  return {
    x: rounded(fixed([rows, from], [-1, 1], 1)),
    w: rounded(fixed(transposes ? [to, from] : [from, to], [-0.3, 0.3], 2)),
    b: rounded(fixed([to], [-1, 1], 3)),
    residual: rounded(fixed([rows, to], [-4, 4], 4)),
  };
}

/** What the kernel gives. */
function run(
  { threads = 1, transposes = false, activation, residual }: Case,
  { x, w, b, ...others }: Record<string, tf.Tensor>,
): tf.Tensor {
  return runKernel(
    { x, w, b, ...(residual === undefined ? {} : { residual: others.residual }) },
    (operands) => {
      const added = [operands.b, ...(residual === undefined ? [] : [operands.residual])];
      const product = { operands: [operands.x, operands.w], added, transposes, activation };
      return linearNode("kernel", product, threads);
    },
    residual === DT.float32 ? ["residual"] : [],
  );
}

function check(given: Case): void {
  tf.tidy(() => {
    const operands = operandsOf(given);
    const { x, w, b, residual } = operands;
    let expected = tf.add(tf.matMul(x, w, false, given.transposes), b);
    if (given.activation === "GeluExact") expected = gelu(expected);
    if (given.residual !== undefined) expected = tf.add(expected, residual);
    if (given.activation === "Relu") expected = tf.relu(expected);
    const got = run(given, operands);
    // Half a step of bfloat16 where that is the result, and what GELU's polynomial is off by.
    const step = given.residual === DT.float32 ? 2e-5 : 2 ** -8;
    const least = given.activation === undefined ? 2e-5 : 2e-4;
    const off = tf.sub(tf.abs(tf.sub(got, expected)), tf.mul(tf.abs(expected), step));
    const worst = tf.max(off).dataSync()[0];
    assert.ok(worst <= least, `${JSON.stringify(given)}: off by ${worst} more than rounding`);
  });
}

describe("a linear layer of our own", () => {
  withOwnKernel(hasLinearKernel);

  it("is the layer to bfloat16, whichever rows and columns fill no tile", () => {
    for (const rows of [1, 15, 16, 17, 32, 33, 63, 197])
      for (const to of [16, 31, 32, 33, 40, 96]) check({ rows, from: 64, to });
    for (const from of [32, 96, 384]) check({ rows: 50, from, to: 50 });
  });

  it("takes weights of either order, GELU, ReLU, and what is added in either type", () => {
    for (const transposes of [false, true])
      for (const after of [
        {},
        { activation: "GeluExact" as const },
        { residual: DT.bfloat16 },
        { residual: DT.float32 },
        { activation: "Relu" as const },
        { activation: "Relu" as const, residual: DT.bfloat16 },
      ])
        for (const [rows, to] of [
          [197, 72],
          [5, 100],
        ])
          check({ rows, from: 96, to, transposes, ...after });
  });

  it("gives the same by however many cores, more than have work included, and of more rows than stay in the cache", () => {
    const given = { rows: 1100, from: 384, to: 80, transposes: true };
    check(given);
    tf.tidy(() => {
      const operands = operandsOf(given);
      const alone = run({ ...given, threads: 1 }, operands).dataSync();
      for (const threads of [2, 3, 8, 64])
        assert.deepEqual(run({ ...given, threads }, operands).dataSync(), alone);
    });
    check({ rows: 3, from: 32, to: 20, threads: 8 });
  });

  it("is no number after ReLU, either, where a vector is none", () => {
    tf.tidy(() => {
      const given: Case = { rows: 3, from: 32, to: 40, activation: "Relu" };
      const { x, ...operands } = operandsOf(given);
      const none = tf.concat([tf.slice(x, 0, 2), tf.fill([1, 32], Number.NaN)]);
      run(given, { x: none, ...operands })
        .dataSync()
        .forEach((value, i) => {
          assert.equal(Number.isNaN(value), i >= 80);
        });
    });
  });

  it("is no number where an image is none, and only there", () => {
    tf.tidy(() => {
      const given: Case = { rows: 40, from: 64, to: 64, activation: "GeluExact" };
      const operands = operandsOf(given);
      const x = tf.concat([tf.slice(operands.x, [0, 0], [39, 64]), tf.fill([1, 64], Number.NaN)]);
      const y = run(given, { ...operands, x }).dataSync();
      y.forEach((value, i) => {
        assert.equal(Number.isNaN(value), i >= 39 * 64);
      });
    });
  });

  it("is for bfloat16 of a multiple of 32 numbers", () => {
    const rows = (numbers: number, dtype: number) => {
      const node = makeNode("rows", "Placeholder", { outputs: [{ shape: [4, numbers], dtype }] });
      return { node, index: 0 };
    };
    assert.ok(hasOwnLinear(rows(96, DT.bfloat16)));
    assert.ok(!hasOwnLinear(rows(48, DT.bfloat16)));
    assert.ok(!hasOwnLinear(rows(96, DT.float32)));
  });

  it("says so where an operand is not what the graph says", () => {
    tf.tidy(() => {
      const given: Case = { rows: 4, from: 32, to: 32 };
      const operands = operandsOf(given);
      const node = (name: string, shape: number[]) =>
        makeNode(name, "Placeholder", {
          attributes: [attribute.type("dtype", DT.float32), attribute.shape("shape", shape)],
          outputs: [{ shape, dtype: DT.float32 }],
        });
      const fed = [node("x", [4, 32]), node("w", [32, 32]), node("b", [32])];
      const casts = fed.map((one) =>
        castNode(`${one.name}_cast`, { node: one, index: 0 }, DT.bfloat16),
      );
      const [x, w, b] = casts.map((one) => ({ node: one, index: 0 }));
      const layer = linearNode("layer", { operands: [x, w], added: [b], transposes: false }, 1);
      // The graph is told of one row more than there are.
      const sizes = attribute.int("sizes", [5, 32, 32]);
      const wrong = {
        ...layer,
        attributes: layer.attributes.map((one) => (one.name === "sizes" ? sizes : one)),
      };
      const result = castNode("result", { node: wrong, index: 0 }, DT.float32);
      const session = new Session([...fed, ...casts, wrong, result]);
      assert.throws(
        () =>
          session.run([operands.x, operands.w, operands.b], ["x:0", "w:0", "b:0"], ["result:0"]),
        /TuningForkLinear: an operand has another size/,
      );
      session.close();
    });
  });
});
