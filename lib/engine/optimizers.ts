import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { attribute, DT, nativeEngine, nativeOp } from "./native";
import { tracedUpdate } from "./trace";

/** A variable that an optimizer moves. */
export interface Trained {
  /** The variable, float32. */
  readonly variable: tf.Variable;
  /** Whether weight decay acts on it; usually not on biases and norms. Default true. */
  readonly decay?: boolean;
  /** What the learning rate is multiplied by for this variable. Default 1. */
  readonly learningRateFactor?: number;
}

/** Which optimizer, and its constants. */
export interface OptimizerOptions {
  /** Stochastic gradient descent, Adam, or Adam with decoupled weight decay. */
  readonly name: "sgd" | "adam" | "adamw";
  /** adamw: decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101); others: added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** sgd only. Default 0. */
  readonly momentum?: number;
  /** adam and adamw: decay of the mean of gradients. Default 0.9, as in PyTorch. */
  readonly beta1?: number;
  /** adam and adamw: decay of the mean of squared gradients. Default 0.999, as in PyTorch. */
  readonly beta2?: number;
  /** adam and adamw: added to the root of that mean. Default 1e-8, as in PyTorch. */
  readonly epsilon?: number;
}

/** An optimizer of a list of variables. */
export interface Optimizer {
  /** The optimizer's own state; list it in compile() beside the weights. */
  readonly variables: readonly tf.Variable[];
  /**
   * Move the variables.
   *
   * @param gradients One per variable, in their order.
   * @param rate Learning rate, a float32 scalar.
   * @param step Number of this update, from 1, a float32 scalar.
   */
  update(gradients: readonly tf.Tensor[], rate: tf.Scalar, step: tf.Scalar): void;
}

/**
 * An optimizer whose update can be traced; its numbers are those of `torch.optim`.
 *
 * In a trace each variable and its state are moved in place by one op.
 */
export function createOptimizer(options: OptimizerOptions, trained: readonly Trained[]): Optimizer {
  return options.name === "sgd" ? sgd(options, trained) : adam(options, trained);
}

/** A variable beside each of these, zero at first. */
function state(trained: readonly Trained[]): tf.Variable[] {
  return trained.map(({ variable }) => tf.tidy(() => tf.variable(tf.zeros(variable.shape), false)));
}

const inPlace = [
  attribute.type("T", DT.float32),
  attribute.bool("use_locking", false),
  attribute.bool("use_nesterov", false),
];

/** Stochastic gradient descent with momentum (Polyak 1964, in the form of Sutskever et al. 2013). */
function sgd(options: OptimizerOptions, trained: readonly Trained[]): Optimizer {
  const { momentum = 0, weightDecay = 0 } = options;
  const velocities = momentum === 0 ? [] : state(trained);
  const update: Optimizer["update"] = (gradients, rate) =>
    tf.tidy(() => {
      trained.forEach(({ variable, decay = true, learningRateFactor = 1 }, i) => {
        const gradient = decayed(gradients[i], variable, decay ? weightDecay : 0);
        const scaled = scaledBy(rate, learningRateFactor);
        const velocity = velocities[i];
        if (velocity === undefined) {
          variable.assign(tf.sub(variable, tf.mul(gradient, scaled)));
          return;
        }
        const operands = [scaled, gradient, tf.scalar(momentum)];
        if (tracedUpdate("ResourceApplyMomentum", inPlace, [variable, velocity], operands)) return;
        velocity.assign(tf.add(tf.mul(velocity, momentum), gradient));
        variable.assign(tf.sub(variable, tf.mul(velocity, scaled)));
      });
    });
  return { variables: velocities, update };
}

/** Adam (Kingma & Ba 2015, arXiv:1412.6980), with decoupled decay as AdamW. */
function adam(options: OptimizerOptions, trained: readonly Trained[]): Optimizer {
  const { name, weightDecay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const means = state(trained);
  const squares = state(trained);
  const update: Optimizer["update"] = (gradients, rate, step) =>
    tf.tidy(() => {
      const correction1 = tf.sub(1, tf.pow(beta1, step));
      const correction2 = tf.sqrt(tf.sub(1, tf.pow(beta2, step)));
      // lr m̂ / (√v̂ + ε) = lr c₂/c₁ · m / (√v + ε c₂): the bias corrections leave the tensors alone.
      const correctedEpsilon = tf.mul(correction2, epsilon);
      trained.forEach(({ variable, decay = true, learningRateFactor = 1 }, i) => {
        const wd = decay ? weightDecay : 0;
        const scaled = scaledBy(rate, learningRateFactor);
        const corrected = tf.div(tf.mul(scaled, correction2), correction1);
        if (name === "adamw" && wd !== 0) {
          variable.assign(tf.mul(variable, tf.sub(1, tf.mul(scaled, wd))));
        }
        const gradient = name === "adam" ? decayed(gradients[i], variable, wd) : gradients[i];
        const [mean, square] = [means[i], squares[i]];
        // The op's own corrections are by the powers of β, here 0: none.
        const [zero, b1, b2] = [0, beta1, beta2].map((value) => tf.scalar(value));
        const operands = [zero, zero, corrected, b1, b2, correctedEpsilon, gradient];
        const moved = [variable, mean, square];
        if (tracedUpdate("ResourceApplyAdam", inPlace, moved, operands)) return;
        mean.assign(tf.add(tf.mul(mean, beta1), tf.mul(gradient, 1 - beta1)));
        square.assign(tf.add(tf.mul(square, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
        const direction = tf.div(mean, tf.add(tf.sqrt(square), correctedEpsilon));
        variable.assign(tf.sub(variable, tf.mul(direction, corrected)));
      });
    });
  return { variables: [...means, ...squares], update };
}

function decayed(gradient: tf.Tensor, variable: tf.Variable, weightDecay: number): tf.Tensor {
  return weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(variable, weightDecay));
}

function scaledBy(rate: tf.Scalar, scale: number): tf.Scalar {
  return scale === 1 ? rate : tf.mul(rate, scale);
}

/**
 * The sum of squares of each gradient. A value that is not finite tells which gradient went bad.
 *
 * @returns float32 [gradients]
 * @throws UserError when a gradient is missing: `tf.variableGrads` leaves out frozen variables.
 */
export function squaredNorms(gradients: readonly tf.Tensor[]): tf.Tensor1D {
  const missing = gradients.findIndex((gradient: tf.Tensor | undefined) => gradient === undefined);
  if (missing >= 0) {
    throw new UserError(
      `there is no gradient for variable ${missing} of ${gradients.length}: it has been frozen since`,
      "freeze before the optimizer and the trainer are made, or make them anew",
    );
  }
  return tf.tidy(() => tf.stack(gradients.map(sumOfSquares)) as tf.Tensor1D);
}

function sumOfSquares(x: tf.Tensor): tf.Tensor {
  if (nativeEngine() === undefined) return tf.sum(tf.square(x));
  // L2Loss is Σx²/2 in one pass.
  return tf.mul(nativeOp("L2Loss", [attribute.type("T", DT.float32)], [x])[0], 2);
}

/**
 * Scale gradients so that their common norm is at most `most` (Pascanu et al. 2013,
 * arXiv:1211.5063), as `torch.nn.utils.clip_grad_norm_` does.
 *
 * @param squared {@link squaredNorms} of the gradients, if there already.
 * @param most Largest norm; 0 leaves the gradients as they are.
 */
export function clipByGlobalNorm(
  gradients: readonly tf.Tensor[],
  squared: tf.Tensor,
  most: number,
): readonly tf.Tensor[] {
  if (most === 0) return gradients;
  const norm = tf.sqrt(tf.sum(squared));
  const factor = tf.minimum(tf.div(most, tf.add(norm, 1e-6)), 1);
  return gradients.map((gradient) => tf.mul(gradient, factor));
}

/**
 * Move averages towards their variables: average ← decay · average + (1 − decay) · variable
 * (Polyak & Juditsky 1992).
 */
export function moveAverages(
  averages: readonly tf.Variable[],
  variables: readonly tf.Variable[],
  decay: number,
): void {
  tf.tidy(() => {
    averages.forEach((average, i) => {
      average.assign(tf.add(average, tf.mul(tf.sub(variables[i], average), 1 - decay)));
    });
  });
}
