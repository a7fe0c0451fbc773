import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "tuning-fork/engine/compile";
import { startEngine } from "tuning-fork/engine/start";

describe("compile", () => {
  before(() => startEngine());

  it("runs a training step as the eager functions do", () => {
    const makeNet = () => {
      const w = tf.variable(tf.tensor2d([0.1, -0.2, 0.3, 0.4, 0.5, -0.6], [2, 3]));
      const b = tf.variable(tf.tensor1d([0.1, 0.2, -0.3]));
      const train = (x: tf.Tensor, rate: tf.Tensor) => {
        const { value, grads } = tf.variableGrads(
          () => tf.mean(tf.square(tf.relu(tf.add(tf.matMul(x, w), b)))) as tf.Scalar,
          [w, b],
        );
        for (const v of [w, b]) v.assign(tf.sub(v, tf.mul(rate, grads[v.name])));
        return value;
      };
      const predict = (x: tf.Tensor) => tf.add(tf.matMul(x, w), b);
      return { w, b, train, predict };
    };
    const x = tf.randomNormal([4, 2], 0, 1, "float32", 7);
    const rate = tf.scalar(0.1);
    const eager = makeNet();
    const net = makeNet();
    const compiled = compile(
      { train: net.train, predict: net.predict },
      { variables: [net.w, net.b] },
    );
    for (let i = 0; i < 5; i++) {
      const expected = tf.tidy(() => eager.train(x, rate)).dataSync()[0];
      const got = compiled.call.train(x, rate).dataSync()[0];
      assert.ok(Math.abs(got - expected) < 1e-6, `step ${i}: ${got} for ${expected}`);
      if (i === 2) compiled.call.predict(x);
    }
    compiled.pull();
    assert.deepEqual(
      net.w.dataSync().map((v) => Math.fround(v * 1e5) / 1e5),
      eager.w.dataSync().map((v) => Math.fround(v * 1e5) / 1e5),
    );
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) compiled.call.train(x, rate).dispose();
    assert.equal(tf.memory().numTensors, before);
    compiled.dispose();
  });
});
