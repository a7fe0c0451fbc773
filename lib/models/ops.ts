import * as tf from "@tensorflow/tfjs-core";

export function conv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  stride: number,
  padding: number,
): tf.Tensor4D {
  const kernel = filter.shape[0];
  if (filter.shape[2] !== x.shape[3]) {
    const groups = x.shape[3] / filter.shape[2];
    const xs = tf.split(x, groups, 3) as tf.Tensor4D[];
    const fs = tf.split(filter, groups, 3) as tf.Tensor4D[];
    return tf.concat(
      xs.map((part, i): tf.Tensor4D => conv2d(part, fs[i], stride, padding)),
      3,
    );
  }
  if (stride === 1 && padding * 2 + 1 === kernel) return tf.conv2d(x, filter, 1, "same");
  return tf.conv2d(pad(x, padding), filter, stride, "valid");
}

export function depthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  stride: number,
  padding: number,
) {
  const kernel = filter.shape[0];
  if (stride === 1 && padding * 2 + 1 === kernel) return tf.depthwiseConv2d(x, filter, 1, "same");
  return tf.depthwiseConv2d(pad(x, padding), filter, stride, "valid");
}

function pad(x: tf.Tensor4D, by: number): tf.Tensor4D {
  if (by === 0) return x;
  return tf.pad4d(x, [
    [0, 0],
    [by, by],
    [by, by],
    [0, 0],
  ]);
}

/** Max pooling of values that are not negative (so that zeros may pad them). */
export function maxPool(x: tf.Tensor4D, kernel: number, stride: number, padding: number) {
  return tf.maxPool(pad(x, padding), kernel, stride, "valid");
}

export function linear(x: tf.Tensor, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor {
  const [out, features] = weight.shape;
  const rows: tf.Tensor2D = tf.reshape(x, [-1, features]);
  const y = tf.matMul(rows, weight, false, true);
  return tf.reshape(bias === undefined ? y : tf.add(y, bias), [...x.shape.slice(0, -1), out]);
}

export function batchNorm(
  x: tf.Tensor4D,
  scale: tf.Tensor,
  offset: tf.Tensor,
  mean: tf.Variable,
  variance: tf.Variable,
  options: { training: boolean; momentum: number; epsilon: number },
): tf.Tensor4D {
  const { training, momentum, epsilon } = options;
  if (!training) {
    return tf.batchNorm4d(
      x,
      mean as tf.Tensor1D,
      variance as tf.Tensor1D,
      offset as tf.Tensor1D,
      scale as tf.Tensor1D,
      epsilon,
    );
  }
  const batch = tf.moments(x, [0, 1, 2]);
  const count = x.size / x.shape[3];
  const move = (running: tf.Variable, value: tf.Tensor) =>
    running.assign(tf.tidy(() => tf.add(tf.mul(running, 1 - momentum), tf.mul(value, momentum))));
  move(mean, batch.mean);
  move(variance, tf.mul(batch.variance, count / Math.max(count - 1, 1)));
  return tf.batchNorm4d(
    x,
    batch.mean as tf.Tensor1D,
    batch.variance as tf.Tensor1D,
    offset as tf.Tensor1D,
    scale as tf.Tensor1D,
    epsilon,
  );
}

export function layerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon: number,
): T {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(
    tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon))), scale),
    offset,
  );
}

export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

export function dropout<T extends tf.Tensor>(x: T, rate: number, seed: tf.Tensor): T {
  const s = seed.dataSync()[1];
  return tf.dropout(x, rate, undefined, s) as T;
}

/** softmax(q kᵀ / √d) v over [batch, heads, tokens, d]; also hands back the softmax. */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, scale: number) {
  const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), scale)) as tf.Tensor4D;
  return { values: tf.matMul(weights, v) as tf.Tensor4D, weights };
}
