import * as tf from "@tensorflow/tfjs-core";

type Backend = ReturnType<typeof tf.backend>;

/** Transposes of variables by their data, which each `assign` replaces. */
const kept = new WeakMap<Backend, Map<object, tf.Tensor>>();

/**
 * A batch of matrices, rows and columns swapped. That of a variable is kept until the variable changes or is
 * disposed: so weights are turned, and packed for the backend's fast kernel, once for many predictions.
 */
export function transposed(x: tf.Tensor): tf.Tensor {
  if (!(x instanceof tf.Variable)) return transpose(x);
  const known = keptBy(tf.backend());
  const earlier = known.get(x.dataId);
  if (earlier !== undefined) return earlier;
  const turned = tf.keep(transpose(x));
  known.set(x.dataId, turned);
  return turned;
}

function transpose(x: tf.Tensor): tf.Tensor {
  const axes = [...x.shape.keys()];
  return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}

/** The transposes of a backend, which go with what they were made of. */
function keptBy(backend: Backend): Map<object, tf.Tensor> {
  const there = kept.get(backend);
  if (there !== undefined) return there;
  const known = new Map<object, tf.Tensor>();
  kept.set(backend, known);
  const dispose = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    const isGone = dispose(dataId, force);
    if (isGone) {
      known.get(dataId)?.dispose();
      known.delete(dataId);
    }
    return isGone;
  };
  return known;
}
