import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "#lib/core/errors";
import { compile, type TensorFunction } from "#lib/engine/compile";
import { compiler, values, vector } from "./support";

describe("what cannot be compiled", () => {
  const make = compiler();

  const forbidden: [string, RegExp, () => TensorFunction][] = [
    ["dataSync", /reads the values/, () => (x) => tf.scalar(x.dataSync()[0])],
    [
      "data",
      /reads the values/,
      () => (x) => {
        void x.data();
        return x;
      },
    ],
    ["print", /reads the values/, () => (x) => x.print() ?? x],
    ["Math.random", /random numbers on the host/, () => (x) => tf.mul(x, Math.random())],
    ["tf.randomNormal", /random numbers on the host/, () => () => tf.randomNormal([2])],
    ["tf.dropout", /random numbers on the host/, () => (x) => tf.dropout(x, 0.5)],
    ["a new variable", /makes a variable/, () => (x) => tf.add(x, tf.variable(tf.ones([2])))],
    [
      "an unlisted variable",
      /uses the variable "forgotten"/,
      () => {
        const v = tf.variable(tf.ones([2]), true, "forgotten");
        return (x) => {
          try {
            return tf.add(x, v);
          } finally {
            v.dispose();
          }
        };
      },
    ],
    [
      "another compiled function",
      /compiled/,
      () => {
        const inner = compile({ twice: (x: tf.Tensor) => tf.mul(x, 2) }, { variables: [] });
        return (x) => inner.call.twice(x);
      },
    ],
    [
      "a counter",
      /did not do the same.*another constant/,
      () => {
        let calls = 0;
        return (x) => tf.add(x, ++calls);
      },
    ],
    [
      "a value of another call",
      /kept from another call/,
      () => {
        let kept: tf.Tensor | undefined;
        return (x) => {
          kept ??= tf.keep(tf.mul(x, 2));
          return tf.add(kept, x);
        };
      },
    ],
    ["a promise", /asynchronous/, () => (async (x: tf.Tensor) => x) as unknown as TensorFunction],
    ["a number", /not a tensor/, () => (() => 3) as unknown as TensorFunction],
    [
      "a large constant",
      /constant of shape/,
      () => {
        const large = tf.zeros([4097, 4096]);
        return (x) => tf.add(tf.sum(large), x);
      },
    ],
  ];
  for (const [what, problem, fn] of forbidden) {
    it(`refuses ${what}, by the function's name`, () => {
      const { call } = make(fn());
      assert.throws(
        () => call.fn(vector(1, 2)),
        (error: unknown) =>
          error instanceof UserError && problem.test(error.problem) && /"\w+"/.test(error.problem),
      );
      assert.deepEqual(values(tf.mul(vector(2), 3)), [6], "the engine works on");
    });
  }
});
