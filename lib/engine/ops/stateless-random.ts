import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, nativeEngine, nativeOp } from "../native";
import { philox } from "./philox";

/** The numbers of one seed, by TensorFlow's op of this name or by the same generator on the host. */
function draw(
  op: "StatelessRandomUniform" | "StatelessRandomNormal",
  shape: readonly number[],
  seed: tf.Tensor,
): tf.Tensor {
  if (nativeEngine() !== undefined) {
    const types = [
      attribute.type("dtype", DT.float32),
      attribute.type("T", DT.int32),
      attribute.type("Tseed", DT.int32),
    ];
    return nativeOp(op, types, [tf.tensor1d([...shape], "int32"), seed])[0];
  }
  const [s0, s1] = seed.dataSync();
  const size = shape.reduce((product, length) => product * length, 1);
  const bits = philox([s0, s1], size);
  const values = Float32Array.from(bits, unitInterval);
  if (op === "StatelessRandomNormal") boxMuller(values);
  return tf.tensor(values.slice(0, size), [...shape]);
}

/** 23 bits as the mantissa of a float in [1, 2), less 1. */
function unitInterval(bits: number): number {
  return (bits & 0x7fffff) / 0x800000;
}

/** Pairs of uniform numbers to pairs of normal ones, in place (Box & Muller 1958). */
function boxMuller(values: Float32Array): void {
  for (let i = 0; i < values.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(Math.max(values[i], 1e-7)));
    const angle = 2 * Math.PI * values[i + 1];
    values[i] = radius * Math.sin(angle);
    values[i + 1] = radius * Math.cos(angle);
  }
}

/**
 * Uniform numbers in [low, high) that depend on the seed alone, the same on every engine.
 *
 * @param seed int32 [2]
 */
export function statelessUniform(
  shape: readonly number[],
  seed: tf.Tensor,
  low = 0,
  high = 1,
): tf.Tensor {
  return tf.tidy(() => {
    const unit = draw("StatelessRandomUniform", shape, seed);
    return low === 0 && high === 1 ? unit : tf.add(tf.mul(unit, high - low), low);
  });
}

/**
 * Numbers of the normal distribution that depend on the seed alone, the same on every engine.
 *
 * @param seed int32 [2]
 */
export function statelessNormal(
  shape: readonly number[],
  seed: tf.Tensor,
  mean = 0,
  deviation = 1,
): tf.Tensor {
  return tf.tidy(() => {
    const unit = draw("StatelessRandomNormal", shape, seed);
    return mean === 0 && deviation === 1 ? unit : tf.add(tf.mul(unit, deviation), mean);
  });
}
