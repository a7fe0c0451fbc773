import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeEngine, nativeOp } from "../native";
import { differentiable } from "./differentiable";

/** So far the argument is moved up before an asymptotic series is used. */
const SHIFT = 8;

function unary(op: string, x: tf.Tensor): tf.Tensor {
  return nativeOp(op, [attribute.type("T", DT.float32)], [x])[0];
}

/**
 * log Γ(x), x > 0.
 *
 * @param x float32
 */
export function lgamma<T extends tf.Tensor>(x: T): T {
  return differentiable<T>(
    [x],
    (save) => {
      save([x]);
      return nativeEngine() === undefined ? composedLgamma(x) : unary("Lgamma", x);
    },
    (dy, [x0]) => [tf.mul(dy, digamma(x0))],
  );
}

/**
 * The derivative of log Γ, x > 0.
 *
 * @param x float32
 */
export function digamma<T extends tf.Tensor>(x: T): T {
  return differentiable<T>(
    [x],
    (save) => {
      save([x]);
      return nativeEngine() === undefined ? composedDigamma(x) : unary("Digamma", x);
    },
    (dy, [x0]) => [tf.mul(dy, trigamma(x0))],
  );
}

function trigamma(x: tf.Tensor): tf.Tensor {
  if (nativeEngine() === undefined) return composedTrigamma(x);
  return nativeOp("Polygamma", [attribute.type("T", DT.float32)], [tf.onesLike(x), x])[0];
}

// Abramowitz & Stegun (1964), 6.1.41, 6.3.18 and 6.4.12, after moving x up by recurrence.

function composedLgamma(x: tf.Tensor): tf.Tensor {
  let below: tf.Tensor = tf.log(x);
  for (let i = 1; i < SHIFT; i++) below = tf.add(below, tf.log(tf.add(x, i)));
  const z = tf.add(x, SHIFT);
  const r = tf.reciprocal(z);
  const stirling = tf.add(
    tf.sub(tf.mul(tf.sub(z, 0.5), tf.log(z)), z),
    0.5 * Math.log(2 * Math.PI),
  );
  return tf.sub(tf.add(stirling, tf.mul(r, series(tf.square(r), [1 / 12, -1 / 360]))), below);
}

function composedDigamma(x: tf.Tensor): tf.Tensor {
  let below: tf.Tensor = tf.reciprocal(x);
  for (let i = 1; i < SHIFT; i++) below = tf.add(below, tf.reciprocal(tf.add(x, i)));
  const r = tf.reciprocal(tf.add(x, SHIFT));
  const r2 = tf.square(r);
  const tail = tf.add(tf.mul(r, 0.5), tf.mul(r2, series(r2, [1 / 12, -1 / 120])));
  return tf.sub(tf.sub(tf.neg(tf.log(r)), tail), below);
}

function composedTrigamma(x: tf.Tensor): tf.Tensor {
  let below: tf.Tensor = tf.square(tf.reciprocal(x));
  for (let i = 1; i < SHIFT; i++) {
    below = tf.add(below, tf.square(tf.reciprocal(tf.add(x, i))));
  }
  const r = tf.reciprocal(tf.add(x, SHIFT));
  const r2 = tf.square(r);
  const tail = tf.mul(r, tf.add(tf.mul(r, 0.5), series(r2, [1, 1 / 6, -1 / 30])));
  return tf.add(tail, below);
}

/** c0 + c1 x + c2 x² … */
function series(x: tf.Tensor, coefficients: readonly number[]): tf.Tensor {
  return coefficients.reduceRight<tf.Tensor>((sum, c) => tf.add(tf.mul(sum, x), c), tf.scalar(0));
}
