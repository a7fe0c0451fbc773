import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { gelu, layerNorm, linear, softmaxCrossEntropy } from "#lib/engine/ops";
import { createOptimizer } from "#lib/engine/optimizers";
import { type Precision, startEngine } from "#lib/engine/start";
import { mixedPrecision } from "#lib/engine/tensorflow/passes/mixed-precision";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fused, withoutAutocast } from "#lib/engine/trace";
import { fixed } from "../../cases";

const FEATURES = 16;
const CLASSES = 4;

/** A small net on a made-up problem: which of four directions a noisy vector points to. */
function experiment(precision: Precision) {
  const draw = (shape: number[], salt: number) =>
    tf.variable(tf.mul(fixed(shape, [-1, 1], salt), Math.sqrt(3 / shape[1])));
  const hidden = 32;
  const weights = [draw([hidden, FEATURES], 1), draw([CLASSES, hidden], 2)];
  const biases = [tf.variable(tf.zeros([hidden])), tf.variable(tf.zeros([CLASSES]))];
  const norm = [tf.variable(tf.ones([hidden])), tf.variable(tf.zeros([hidden]))];
  const forward = (x: tf.Tensor) => {
    const [w1, w2] = weights as unknown as tf.Tensor2D[];
    const [b1, b2] = biases as unknown as tf.Tensor1D[];
    const h = layerNorm(gelu(linear(x, w1, b1)), norm[0], norm[1], 1e-6);
    return linear(h, w2, b2) as tf.Tensor2D;
  };
  const all = [...weights, ...biases, ...norm];
  const optimizer = createOptimizer(
    { name: "adamw", weightDecay: 0.01 },
    all.map((variable) => ({ variable, decay: variable.rank > 1 })),
  );
  const train = (x: tf.Tensor, y: tf.Tensor, step: tf.Tensor) => {
    const loss = () => tf.mean(softmaxCrossEntropy(forward(x), y as tf.Tensor2D)) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, all);
    const gradients = all.map(({ name }) => grads[name]);
    optimizer.update(gradients, tf.scalar(3e-3), step as tf.Scalar);
    return value;
  };
  const variables = [...all, ...optimizer.variables];
  return { compiled: compile({ train, forward }, { variables, precision }), train, all, variables };
}

function batch(step: number, rows: number) {
  const labels = tf.tensor1d(
    Array.from({ length: rows }, (_, i) => (i * 7 + step) % CLASSES),
    "int32",
  );
  const targets = tf.cast(tf.oneHot(labels, CLASSES), "float32");
  const directions = fixed([CLASSES, FEATURES], [-1, 1], 1000);
  const noise = fixed([rows, FEATURES], [-2, 2], step);
  return { x: tf.add(tf.matMul(targets, directions), noise), targets, labels };
}

describe("mixed precision", () => {
  before(() => startEngine());

  it("mixed_bfloat16 trains as float32 does: 200 steps, loss within 3 %, accuracy within 0.5", () => {
    const [wide, low] = (["float32", "mixed_bfloat16"] as const).map((precision) =>
      tf.tidy(() => {
        const { compiled } = experiment(precision);
        let smoothed = 0;
        for (let step = 0; step < 200; step++) {
          tf.tidy(() => {
            const { x, targets } = batch(step, 64);
            const loss = compiled.call.train(x, targets, tf.scalar(step + 1));
            assert.equal(loss.dtype, "float32");
            smoothed =
              smoothed === 0 ? loss.dataSync()[0] : 0.95 * smoothed + 0.05 * loss.dataSync()[0];
          });
        }
        const { x, labels } = batch(999, 2000);
        const logits = compiled.call.forward(x) as tf.Tensor2D;
        const hits = tf.equal(tf.cast(tf.argMax(logits, 1), "int32"), labels);
        const accuracy = 100 * tf.mean(tf.cast(hits, "float32")).dataSync()[0];
        compiled.dispose();
        return { smoothed, accuracy } as never as { smoothed: number; accuracy: number };
      }),
    );
    assert.ok(wide.smoothed < 0.7, `the problem is learnt: ${wide.smoothed}`);
    const ratio = low.smoothed / wide.smoothed;
    assert.ok(Math.abs(ratio - 1) < 0.03, `loss ${low.smoothed} for ${wide.smoothed}`);
    const change = Math.abs(low.accuracy - wide.accuracy);
    assert.ok(change <= 0.5, `accuracy ${low.accuracy} for ${wide.accuracy}`);
  });

  it("casts at the borders only: products low; losses, updates and variables in float32", () => {
    const { train, variables } = experiment("float32");
    const { x, targets } = batch(0, 8);
    const handles = new Map(
      variables.map((variable, i) => [
        variable,
        {
          name: `v${i}`,
          op: "VarHandleOp",
          attributes: [],
          inputs: [],
          after: [],
          outputs: [{ shape: variable.shape, dtype: 1 }],
        },
      ]),
    );
    const trace = traceFunction("train", train as never, [x, targets, tf.scalar(1)], handles);
    const low = mixedPrecision.run(trace, { precision: "mixed_bfloat16", portable: false });
    const dtypes = (op: string) =>
      new Set(
        low.nodes
          .filter((node) => node.op === op)
          .flatMap((node) => node.inputs.map(({ node: from, index }) => from.outputs[index].dtype)),
      );
    assert.deepEqual(dtypes("MatMul"), new Set([14]));
    for (const op of ["SoftmaxCrossEntropyWithLogits", "ResourceApplyAdam", "AssignVariableOp"]) {
      assert.deepEqual(dtypes(op), new Set([1]), op);
    }
    const casts = low.nodes.filter(({ name }) => /_as\d+$/.test(name));
    const sources = casts.map(({ inputs: [{ node, index }] }) => `${node.name}:${index}`);
    assert.equal(new Set(sources).size, casts.length, "nothing is cast twice");
    assert.ok(!sources.some((name) => /_as\d+:/.test(name)), "no cast is cast back");
  });

  it("keeps in float32 what asks for it", () => {
    const [x, w] = [fixed([8, 8], [-1, 1], 1), fixed([8, 8], [-1, 1], 2)];
    const far = tf.scalar(1000);
    const run = (fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) => {
      const { call, dispose } = compile({ fn }, { variables: [], precision: "mixed_bfloat16" });
      const result = call.fn(x, w).dataSync();
      dispose();
      return result;
    };
    const product = (a: tf.Tensor, b: tf.Tensor) => tf.add(tf.matMul(a, b), tf.matMul(b, a));
    const apart = run((a, b) => tf.sub(tf.add(product(a, b), far), far));
    const kept = run((a, b) => withoutAutocast(() => tf.sub(tf.add(product(a, b), far), far)));
    const exact = tf.sub(tf.add(product(x, w), far), far).dataSync();
    const error = (got: ArrayLike<number>) =>
      Math.max(...Array.from(exact, (value, i) => Math.abs(value - got[i])));
    assert.ok(error(apart) > 0.5, "1000 ± 1 has no room in 8 bits");
    assert.ok(error(kept) < 0.01);
  });

  it("bfloat16_products keeps all but products in float32, and is nearer to it", () => {
    const fn = (x: tf.Tensor, w: tf.Tensor, far: tf.Tensor) => {
      // Rounded after each op, 100 + y would lose most of y.
      const y = tf.matMul(x, w);
      const between = tf.sub(tf.add(y, far), far);
      return tf.matMul(
        fused(() => tf.sub(tf.add(between, far), far)),
        w,
      );
    };
    const plain = (x: tf.Tensor, w: tf.Tensor) => tf.matMul(tf.matMul(x, w), w);
    // The large one is one kernel.
    for (const rows of [8, 8192]) {
      const [x, w] = [fixed([rows, 8], [-1, 1], 1), fixed([8, 8], [-1, 1], 2)];
      const expected = plain(x, w).dataSync();
      const [low, products] = (["mixed_bfloat16", "bfloat16_products"] as const).map(
        (precision) => {
          const { call, dispose } = compile({ fn }, { variables: [], precision });
          const got = call.fn(x, w, tf.scalar(100));
          assert.equal(got.dtype, "float32");
          const values = got.dataSync();
          dispose();
          return Math.max(...Array.from(expected, (value, i) => Math.abs(value - values[i])));
        },
      );
      assert.ok(products > 0 && products < 0.1, `off by ${products}`);
      assert.ok(low > 5 * products, `off by ${low} with all between in bfloat16`);
    }
  });

  it("computes a fused function in float32 between operands and result in bfloat16", () => {
    const far = 1000;
    // Rounded after each step, 1000 + x would lose x.
    const inside = (x: tf.Tensor) => fused(() => tf.sub(tf.add(x, far), far));
    const fn = (x: tf.Tensor, w: tf.Tensor) => inside(tf.matMul(x, w));
    const { call, dispose } = compile({ fn }, { variables: [], precision: "mixed_bfloat16" });
    // The large one becomes one kernel.
    for (const rows of [8, 8192]) {
      const [x, w] = [fixed([rows, 8], [-1, 1], 1), fixed([8, 8], [-1, 1], 2)];
      const got = call.fn(x, w).dataSync();
      tf.matMul(x, w)
        .dataSync()
        .forEach((value, i) => {
          assert.ok(Math.abs(got[i] - value) < 0.02, `${got[i]} for ${value}`);
        });
    }
    dispose();
  });
});
