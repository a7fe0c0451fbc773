import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { dropout } from "#lib/engine/ops";
import { nativeBackend } from "#lib/engine/tensorflow/binding";
import { compiler, values, vector } from "./support";

/** A net with a training step by hand; equal weights for equal calls. */
function makeNet() {
  const w = tf.variable(tf.tensor2d([0.1, -0.2, 0.3, 0.4, 0.5, -0.6], [2, 3]));
  const b = tf.variable(vector(0.1, 0.2, -0.3));
  const train = (x: tf.Tensor, rate: tf.Tensor) => {
    const loss = () => tf.mean(tf.square(tf.relu(tf.add(tf.matMul(x, w), b)))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, [w, b]);
    for (const v of [w, b]) v.assign(tf.sub(v, tf.mul(rate, grads[v.name])));
    return value;
  };
  const predict = (x: tf.Tensor) => tf.add(tf.matMul(x, w), b);
  return { w, b, train, predict };
}

describe("compile", () => {
  const make = compiler();

  it("trains and predicts in one graph, as eager does, through new batch sizes", () => {
    const [eager, net] = [makeNet(), makeNet()];
    const { train, predict } = net;
    const compiled = compile({ train, predict }, { variables: [net.w, net.b] });
    for (const [step, batch] of [4, 4, 3, 4, 3, 7].entries()) {
      const x = tf.randomNormal([batch, 2], 0, 1, "float32", step + 1);
      const rate = tf.scalar(0.1 / (step + 1));
      const expected = values(tf.tidy(() => eager.train(x, rate)));
      assert.ok(Math.abs(values(compiled.call.train(x, rate))[0] - expected[0]) < 1e-6);
      const difference = tf.sub(compiled.call.predict(x) as tf.Tensor, eager.predict(x));
      assert.ok(tf.max(tf.abs(difference)).dataSync()[0] < 1e-6);
    }
    assert.throws(() => values(net.b), /the value of the variable .* is in the compiled graph/);
    assert.throws(() => tf.add(net.b, 1), /call pull\(\) of the compiled functions/);
    compiled.pull();
    values(net.b).forEach((value, i) => {
      assert.ok(Math.abs(value - values(eager.b)[i]) < 1e-6);
    });
    net.b.assign(vector(7, 8, 9));
    assert.deepEqual(values(compiled.call.predict(tf.zeros([1, 2]))), [7, 8, 9]);
    compiled.dispose();
  });

  it("makes one graph of what is traced ahead, and computes nothing until it is called", () => {
    const net = makeNet();
    const backend = nativeBackend();
    assert.ok(backend !== undefined);
    const { binding } = backend;
    let graphs = 0;
    const loadSavedModel: typeof binding.loadSavedModel = (...given) => {
      graphs++;
      return binding.loadSavedModel(...given);
    };
    backend.binding = Object.create(binding, { loadSavedModel: { value: loadSavedModel } });
    try {
      const { train, predict } = net;
      const compiled = compile({ train, predict }, { variables: [net.w, net.b] });
      const [x, rate] = [tf.ones([4, 2]), tf.scalar(0.1)];
      compiled.trace.train(x, rate);
      compiled.trace.predict(x);
      assert.equal(graphs, 0);
      const before = values(net.b);
      const expected = values(tf.tidy(() => predict(x)));
      assert.deepEqual(values(compiled.call.predict(x)), expected);
      assert.deepEqual(values(net.b), before);
      compiled.call.train(x, rate);
      assert.equal(graphs, 1);
      assert.notDeepEqual(values(compiled.call.predict(x)), expected);
      compiled.call.predict(tf.ones([5, 2]));
      assert.equal(graphs, 2);
      compiled.dispose();
    } finally {
      backend.binding = binding;
    }
  });

  it("takes what is assigned to a variable, whenever, without a push", () => {
    const [v, other] = [tf.variable(vector(1, 1)), tf.variable(vector(0, 0))];
    const add = (x: tf.Tensor) => {
      v.assign(tf.add(v, x));
      return tf.add(v, other);
    };
    const compiled = compile({ add, look: () => tf.add(v, other) }, { variables: [v, other] });
    const look = () => values(compiled.call.look() as tf.Tensor);
    assert.deepEqual(look(), [1, 1]);
    v.assign(vector(5, 6));
    assert.deepEqual(look(), [5, 6], "before any step");
    assert.deepEqual(values(compiled.call.add(vector(1, 1)) as tf.Tensor), [6, 7]);
    v.assign(vector(2, 3));
    assert.deepEqual(look(), [2, 3], "after a step, of what a function changes");
    other.assign(vector(10, 20));
    assert.deepEqual(look(), [12, 23], "and of what none does");
    compiled.call.add(vector(1, 1));
    v.assign(vector(7, 7));
    compiled.pull();
    assert.deepEqual(values(v), [7, 7], "pull() does not undo it");
    v.assign(vector(8, 8));
    assert.deepEqual(values(compiled.call.add(vector(1)) as tf.Tensor), [19, 29]);
    compiled.dispose();
    tf.dispose([v, other]);
  });

  it("refuses a variable whose value is in another graph, until that is pulled", () => {
    const v = tf.variable(vector(1));
    const first = make(() => {
      v.assign(tf.mul(v, 2));
      return tf.clone(v);
    }, [v]);
    const second = make(() => tf.clone(v), [v]);
    assert.deepEqual(values(second.call.fn()), [1]);
    first.call.fn();
    assert.throws(() => second.call.fn(), /is in the compiled graph.*\n.*call pull\(\)/);
    first.pull();
    assert.deepEqual(values(second.call.fn()), [2]);
    v.dispose();
  });

  it("runs a function twice for its first shapes, and once for others", () => {
    let runs = 0;
    const { call } = make((x) => {
      runs++;
      return tf.mul(x, 2);
    });
    const counts = [1, 2, 1, 3].map((size) => {
      tf.tidy(() => call.fn(tf.ones([size])));
      return runs;
    });
    assert.deepEqual(counts, [2, 3, 3, 4]);
  });

  it("traces anew where other variables are trained", () => {
    const [a, b] = [tf.variable(vector(1)), tf.variable(vector(1))];
    const { call, pull } = make(
      (x) => {
        const { value, grads } = tf.variableGrads(
          () => tf.sum(tf.mul(tf.add(a, b), x)) as tf.Scalar,
        );
        for (const v of [a, b]) if (v.trainable) v.assign(tf.sub(v, grads[v.name]));
        return value;
      },
      [a, b],
    );
    call.fn(vector(1));
    a.trainable = false;
    call.fn(vector(1));
    pull();
    assert.deepEqual([values(a), values(b)], [[0], [-1]]);
    tf.dispose([a, b]);
  });

  it("leaves no tensors behind from step to step", () => {
    const net = makeNet();
    const { call } = make(net.train, [net.w, net.b]);
    const x = tf.ones([4, 2]);
    const rate = tf.scalar(0.1);
    (call.fn(x, rate) as tf.Tensor).dispose();
    const count = () => [tf.memory().numTensors, nativeBackend().binding.getNumOfTensors()];
    const before = count();
    for (let i = 0; i < 5; i++) (call.fn(x, rate) as tf.Tensor).dispose();
    assert.deepEqual(count(), before);
  });

  it("traces without leaving tensors, also when the function fails", () => {
    const net = makeNet();
    const x = tf.ones([4, 2]);
    const count = () => [tf.memory().numTensors, nativeBackend().binding.getNumOfTensors()];
    const trace = () => tf.dispose(make(net.predict, [net.w, net.b]).call.fn(x));
    trace();
    const before = count();
    trace();
    const failing = make(() => {
      net.b.assign(tf.ones([3]));
      throw new Error("on purpose");
    }, [net.w, net.b]);
    assert.throws(() => failing.call.fn(), /on purpose/);
    assert.deepEqual(count(), before);
    assert.deepEqual(values(net.b), values(vector(0.1, 0.2, -0.3)));
    assert.ok(Number.isFinite(Math.random()));
    assert.deepEqual(values(tf.add(1, 1)), [2]);
  });

  it("works without variables, function after function", () => {
    const functions = { sum: (x: tf.Tensor) => tf.sum(x), mean: (x: tf.Tensor) => tf.mean(x) };
    const compiled = compile(functions, { variables: [] });
    assert.deepEqual(values(compiled.call.sum(vector(1, 2, 3))), [6]);
    assert.deepEqual(values(compiled.call.mean(vector(1, 2, 3))), [2]);
    compiled.pull();
    compiled.dispose();
  });

  it("gives the same losses to the last digit with the same seed", () => {
    const losses = () => {
      const net = makeNet();
      const { call } = make(
        (x, seed) => net.train(dropout(x, { rate: 0.5, seed }), tf.scalar(0.1)),
        [net.w, net.b],
      );
      const x = tf.randomNormal([64, 2], 0, 1, "float32", 5);
      return Array.from({ length: 5 }, (_, i) => values(call.fn(x, tf.tensor1d([1, i], "int32"))));
    };
    assert.deepEqual(losses(), losses());
  });

  it("tells apart inputs and variables that share their values", () => {
    const x = vector(1, 2);
    const { call } = make((a, b) => tf.sub(a, b));
    assert.deepEqual(values(call.fn(x, x)), [0, 0]);
    assert.deepEqual(values(call.fn(x, vector(5, 5))), [-4, -3]);
    const a = tf.variable(x);
    const b = tf.variable(x);
    const swap = make(() => {
      const old = tf.clone(a);
      a.assign(tf.mul(b, 10));
      b.assign(old);
      return [tf.clone(a), b];
    }, [a, b]);
    assert.deepEqual(values(swap.call.fn()), [10, 20, 1, 2]);
    assert.deepEqual(values(swap.call.fn()), [10, 20, 10, 20]);
  });

  it("reads and assigns one variable several times in order", () => {
    const v = tf.variable(vector(1));
    const { call, pull } = make(
      (x) => {
        v.assign(tf.add(v, x));
        const first = tf.mul(v, 1);
        v.assign(tf.mul(v, 2));
        return [first, tf.mul(v, 1)];
      },
      [v],
    );
    assert.deepEqual(values(call.fn(vector(2))), [3, 6]);
    assert.deepEqual(values(call.fn(vector(2))), [8, 16]);
    pull();
    assert.deepEqual(values(v), [16]);
  });

  it("has its own copy of every array, however that lies in memory", () => {
    // One of four arrays would be aligned well enough to be lent; see lib/setup/native/copied-tensors.h.
    for (let i = 0; i < 64; i++) {
      const values = new Float32Array(16 + (i % 5)).fill(1);
      const tensor = tf.tensor1d(values);
      tf.neg(tensor).dispose();
      values.fill(2);
      assert.equal(tensor.dataSync()[0], 1);
      tensor.dispose();
    }
  });

  it("returns inputs, variables, constants and outside tensors as they are", () => {
    const v = tf.variable(vector(3));
    const outside = vector(4, 5);
    const { call } = make((x) => [x, v, tf.scalar(9), outside], [v]);
    assert.deepEqual(values(call.fn(vector(1, 2))), [1, 2, 3, 9, 4, 5]);
  });

  it("keeps the values through more signatures than it holds", () => {
    const v = tf.variable(vector(0));
    const { call } = make(
      (x) => {
        v.assign(tf.add(v, tf.sum(x)));
        return tf.clone(v);
      },
      [v],
    );
    for (let n = 1; n <= 18; n++) call.fn(tf.ones([n]));
    assert.deepEqual(values(call.fn(tf.ones([1]))), [(18 * 19) / 2 + 1]);
  });
});
