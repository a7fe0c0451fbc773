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
