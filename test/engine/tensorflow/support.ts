import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile, type TensorFunction } from "#lib/engine/compile";
import { attribute, DT } from "#lib/engine/native";
import type { Precision } from "#lib/engine/start";
import { castNode, type GraphNode, makeNode, type Output } from "#lib/engine/tensorflow/graph";
import { Session } from "#lib/engine/tensorflow/session";
import { fixed } from "../cases";

/** A handle for each variable, as a trace of a function wants them. */
export function handlesOf(variables: readonly tf.Variable[]): ReadonlyMap<tf.Variable, GraphNode> {
  return new Map(
    variables.map((variable, i) => {
      const outputs = [{ shape: variable.shape, dtype: DT.float32 }];
      return [variable, makeNode(`v${i}`, "VarHandleOp", { outputs })];
    }),
  );
}

/** A filter of numbers up to a tenth: its height and width, channels in, channels out. */
export function filterOf(
  size: number,
  from: number,
  to: number,
  salt: number,
): tf.Variable<tf.Rank.R4> {
  return tf.variable(
    tf.mul(fixed([size, size, from, to], [-1, 1], salt), 0.1),
  ) as tf.Variable<tf.Rank.R4>;
}

/**
 * What a function that is compiled gives, with passes off.
 *
 * @param off Names of passes, with commas between. Default none.
 */
export function numbersOf(
  fn: TensorFunction,
  inputs: readonly tf.Tensor[],
  precision: Precision,
  off = "",
): Float32Array {
  process.env.TUNING_FORK_DISABLE_PASSES = off;
  const compiled = compile({ fn }, { variables: [], precision });
  try {
    return tf.tidy(() => (compiled.call.fn(...inputs) as tf.Tensor).dataSync<"float32">());
  } finally {
    compiled.dispose();
    delete process.env.TUNING_FORK_DISABLE_PASSES;
  }
}

/** Assert that what was compiled gives what the function itself gives, but for so large a share of each result's largest number. */
export function assertNearPlain(
  compiled: (x: tf.Tensor) => tf.Tensor | tf.Tensor[],
  plain: (x: tf.Tensor) => tf.Tensor | tf.Tensor[],
  x: tf.Tensor,
  most: number,
  when: string,
): void {
  assertNear([compiled(x)].flat(), [plain(x)].flat(), most, when);
}

/** Assert that results are others but for so large a share of each one's largest number. */
export function assertNear(
  got: readonly tf.Tensor[],
  expected: readonly tf.Tensor[],
  most: number,
  when: string,
): void {
  assert.equal(got.length, expected.length);
  for (const [i, result] of expected.entries()) {
    const largest = tf.max(tf.abs(result)).dataSync()[0];
    const error = tf.max(tf.abs(tf.sub(got[i], result))).dataSync()[0];
    assert.ok(error <= most * largest, `${when}, result ${i}: off by ${error} of ${largest}`);
  }
}

/** The root mean square of the differences, as a share of that of the numbers. */
export function shareOff(got: Float32Array, expected: Float32Array): number {
  const square = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(square(got.map((value, i) => value - expected[i])) / square(expected));
}

/**
 * What a kernel gives, as float32. It is called twice, the second time with what it kept, and must give the same; somebody else reads its
 * operands, which must stay as they are.
 *
 * @param given Its operands by name, which it gets in bfloat16, those named in `full` in float32.
 * @param make The kernel.
 * @param index Which of its results. Default the first.
 */
export function runKernel(
  given: Readonly<Record<string, tf.Tensor>>,
  make: (operands: Readonly<Record<string, Output>>) => GraphNode,
  full: readonly string[] = [],
  index = 0,
): tf.Tensor {
  const [names, tensors] = [Object.keys(given), Object.values(given)];
  const fed = names.map((name) =>
    makeNode(name, "Placeholder", {
      attributes: [
        attribute.type("dtype", DT.float32),
        attribute.shape("shape", given[name].shape),
      ],
      outputs: [{ shape: given[name].shape, dtype: DT.float32 }],
    }),
  );
  const cast = (node: GraphNode, dtype: number, of = 0) =>
    castNode(`${node.name}_${dtype}`, { node, index: of }, dtype);
  const low = fed.map((node) => (full.includes(node.name) ? node : cast(node, DT.bfloat16)));
  const kernel = make(
    Object.fromEntries(names.map((name, i) => [name, { node: low[i], index: 0 }])),
  );
  const results = [cast(kernel, DT.float32, index), ...low.map((node) => cast(node, DT.float32))];
  const made = low.filter((node) => !fed.includes(node));
  const session = new Session([...fed, ...made, kernel, ...results]);
  try {
    const fetches = results.map(({ name }) => `${name}:0`);
    const run = () =>
      session.run(
        tensors,
        names.map((name) => `${name}:0`),
        fetches,
      );
    const [[result, ...read], [again]] = [run(), run()];
    assert.deepEqual(again.dataSync(), result.dataSync());
    for (const [i, back] of read.entries()) {
      const before = tensors[i].dataSync();
      for (const [k, value] of back.dataSync().entries())
        assert.ok(
          !(Math.abs(value - before[k]) > 2 ** -8 * Math.abs(before[k])),
          `${names[i]} ${k}`,
        );
    }
    return result;
  } finally {
    session.close();
  }
}
