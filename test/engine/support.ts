import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { type Compiled, compile, type TensorFunction } from "#lib/engine/compile";
import { isUsingGpu } from "#lib/engine/native";
import { startEngine } from "#lib/engine/start";

export const vector = (...values: number[]) => tf.tensor1d(values);

/** The numbers of tensors, one after another. */
export function values(tensor: tf.Tensor | tf.Tensor[]): number[] {
  return [tensor].flat().flatMap((x) => Array.from(x.dataSync()));
}

/** Skip a test of what is done on processors alone. */
export function notOnGpu(this: Mocha.Context): void {
  if (isUsingGpu()) this.skip();
}

/** Start the engine for kernels of our own; skip what follows where there are none; no test may leave a tensor. */
export function withOwnKernel(isThere: () => boolean): void {
  let tensors: number;
  before(async function () {
    await startEngine();
    notOnGpu.call(this);
    // Only some processors have them, and only GCC compiles them.
    if (!isThere()) this.skip();
  });
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterEach(() => assert.equal(tf.memory().numTensors, tensors, "tensors leaked"));
}

/**
 * The same numbers to the bit; on a GPU, which adds in an order that changes from run to run, within a
 * thousandth of the largest.
 */
export function assertSame(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  const [a, b] = [got, expected].map((list) => Array.from(list));
  if (!isUsingGpu()) assert.deepEqual(a, b);
  assert.equal(a.length, b.length);
  const largest = Math.max(...b.map(Math.abs));
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - b[i]) <= 1e-3 * largest, `${i}: ${value} for ${b[i]}`);
  });
}

/** What compiles a function as `fn`; it is freed after the test that made it. */
export function compiler() {
  const made: Compiled<Record<string, TensorFunction>>[] = [];
  before(() => startEngine());
  afterEach(() => {
    for (const compiled of made.splice(0)) compiled.dispose();
  });
  return (fn: TensorFunction, variables: tf.Variable[] = []) => {
    const compiled = compile({ fn }, { variables });
    made.push(compiled);
    return compiled;
  };
}
