import * as tf from "@tensorflow/tfjs-core";
import { fused } from "../trace";
import { differentiable } from "./differentiable";

const INVERSE_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/**
 * Gaussian error linear unit, x Φ(x) (Hendrycks & Gimpel 2016, arXiv:1606.08415).
 *
 * Only `x` is kept for the gradient, not the five tensors between.
 *
 * @param form `exact` by the error function, or the paper's approximation by `tanh`.
 */
export function gelu<T extends tf.Tensor>(x: T, form: "exact" | "tanh" = "exact"): T {
  const { value, slope } = form === "exact" ? exact : approximate;
  return differentiable<T>(
    [x],
    (save) => {
      save([x]);
      return fused(() => value(x));
    },
    (dy, [x0]) => [fused(() => tf.mul(dy, slope(x0)))],
  );
}

const exact = {
  // The order of these ops is the one that TensorFlow fuses with a product before them.
  value: (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  slope: (x: tf.Tensor) => {
    const cumulative = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
    const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), INVERSE_SQRT_2PI);
    return tf.add(cumulative, tf.mul(x, density));
  },
};

const approximate = {
  value: (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(argument(x)), 1)),
  slope: (x: tf.Tensor) => {
    const t = tf.tanh(argument(x));
    const inner = tf.mul(tf.add(tf.mul(tf.square(x), 3 * CUBIC), 1), SQRT_2_OVER_PI);
    // ½ (1 + t) + ½ x (1 − t²) · inner
    const change = tf.mul(tf.mul(x, tf.sub(1, tf.square(t))), inner);
    return tf.mul(tf.add(tf.add(t, 1), change), 0.5);
  },
};

function argument(x: tf.Tensor): tf.Tensor {
  const cubed = tf.mul(tf.square(x), x);
  return tf.mul(tf.add(x, tf.mul(cubed, CUBIC)), SQRT_2_OVER_PI);
}
