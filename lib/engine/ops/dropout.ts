import * as tf from "@tensorflow/tfjs-core";
import { MIXING, mixed } from "../../core/random";
import { attribute, DT, nativeEngine, nativeOp } from "../native";
import { fused } from "../trace";
import { differentiable } from "./differentiable";

/** Which values are dropped. */
export interface Drop {
  /** 0 ≤ rate < 1 */
  readonly rate: number;
  /** int32 [2] */
  readonly seed: tf.Tensor;
}

/**
 * Set each value to zero with probability `rate` and scale the others by 1 / (1 − rate), which keeps
 * the mean (Srivastava et al. 2014).
 *
 * Whether a value stays follows from its position and the seed, the same on every engine: a counter is
 * mixed (as Salmon et al. 2011, doi:10.1145/2063384.2063405, but less: it must only look random). That
 * costs less than to read a random number, so the gradient does it again and keeps nothing.
 */
export function dropout<T extends tf.Tensor>(x: T, { rate, seed }: Drop): T {
  return differentiable<T>(
    [x],
    (save) => {
      save([seed]);
      return fused(() => dropped(x, { rate, seed }));
    },
    (dy, [saved]) => [fused(() => dropped(dy, { rate, seed: saved }))],
  );
}

/** {@link dropout} without a gradient, for use inside a kernel. */
export function dropped(x: tf.Tensor, { rate, seed }: Drop): tf.Tensor {
  if (nativeEngine() === undefined) return tf.mul(x, keptOnHost(x.shape, rate, seed));
  return tf.tidy(() => {
    const kept = tf.greaterEqual(bitsOf(x.size, seed), tf.scalar(threshold(rate), "int32"));
    return tf.mul(x, tf.mul(tf.cast(tf.reshape(kept, x.shape), "float32"), 1 / (1 - rate)));
  });
}

/** A random integer for each position. */
function bitsOf(size: number, seed: tf.Tensor): tf.Tensor {
  const [k0, k1] = [0, 1].map((i) => tf.gather(seed, tf.tensor1d([i], "int32")));
  const start = mixedEach(bitwise("BitwiseXor", mixedEach(k0), k1));
  return mixedEach(tf.add(tf.range(0, size, 1, "int32"), start));
}

/** Bits from which on a value stays, as signed integers are ordered. */
function threshold(rate: number): number {
  return Math.round((rate - 0.5) * 2 ** 32) | 0;
}

/** {@link mixed} for each element. */
function mixedEach(x: tf.Tensor): tf.Tensor {
  const multiplied = MIXING.steps.reduce(
    (y, [shift, factor]) => tf.mul(folded(y, shift), tf.scalar(factor, "int32")),
    x,
  );
  return folded(multiplied, MIXING.last);
}

/** x ^ (x >>> shift); TensorFlow's shift fills with the sign. */
function folded(x: tf.Tensor, shift: number): tf.Tensor {
  const [by, mask] = [shift, 2 ** (32 - shift) - 1].map((value) => tf.scalar(value, "int32"));
  return bitwise("BitwiseXor", x, bitwise("BitwiseAnd", bitwise("RightShift", x, by), mask));
}

function bitwise(op: string, a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return nativeOp(op, [attribute.type("T", DT.int32)], [a, b])[0];
}

/** 0 or 1 / (1 − rate) for each element, for engines without integers of 32 bits. */
function keptOnHost(shape: number[], rate: number, seed: tf.Tensor): tf.Tensor {
  const [k0, k1] = seed.dataSync();
  const start = mixed(mixed(k0) ^ k1);
  const least = threshold(rate);
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) =>
    mixed(i + start) >= least ? 1 / (1 - rate) : 0,
  );
  return tf.tensor(values, shape);
}
