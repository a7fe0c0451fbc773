import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { findNotFinite } from "../engine/finite";
import type { Model } from "../models/module";

/** The error of a training whose numbers are not finite any more. */
export function diverged(problem: string): UserError {
  return new UserError(
    problem,
    "lower the learning rate, set train.optimizer.clipNorm, or train in float32; the checkpoint before is kept",
  );
}

/**
 * Check what a step gave.
 *
 * @param trained Parameters, first layer to last.
 * @param norms Squared norm of the gradient of each.
 * @param step From 0.
 * @param find Says more of where it began, where that was asked for. Default: nothing.
 * @throws UserError when the loss or a gradient is not finite
 */
export function checkFinite(
  trained: readonly { readonly name: string }[],
  loss: number,
  norms: ArrayLike<number>,
  step: number,
  find: () => string = () => "",
): void {
  if (!Number.isFinite(loss)) throw diverged(`the loss of step ${step + 1} is ${loss}${find()}`);
  // Gradients are computed from the loss down: the last parameter is where it began.
  const bad = trained.findLast((_, i) => !Number.isFinite(norms[i]));
  if (bad === undefined) return;
  throw diverged(
    `the loss of step ${step + 1} is ${loss}, and the gradient of ${bad.name} is not finite, ` +
      `the first one on the way down from the loss${find()}`,
  );
}

/**
 * Do a step again op by op, and say where the first number that is not finite came from.
 *
 * @param weights Of the model before the step; it has them afterwards.
 * @param step Not compiled.
 */
export function whereNotFinite(
  model: Model,
  weights: readonly tf.Tensor[],
  step: () => unknown,
): string {
  const named = [...model.parameters].map(([name, { variable }]) => [name, variable] as const);
  for (const [i, [, variable]] of named.entries()) variable.assign(weights[i]);
  const found = findNotFinite(step, named);
  if (found === undefined) return "; op by op in float32 everything is finite";
  return `; it began in the op ${found.op} after ${found.near ?? "the images"}`;
}
