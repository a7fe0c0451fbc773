import type * as tf from "@tensorflow/tfjs-core";
import type { Compiled } from "../engine/compile";
import { upload } from "../engine/ops/pixels";
import type { Functions, TrainerContext } from "./trainer";

/**
 * Trace before the first step all that a stage will call: one graph is made of it, instead of another one
 * when the first epoch ends.
 *
 * @param inputs Of a step.
 * @param uses Whether gradients of several batches are added up, and whether weights are averaged.
 */
export function traceAhead(
  trace: Compiled<Functions>["trace"],
  inputs: readonly tf.Tensor[],
  { model, validationBatch }: Pick<TrainerContext, "model" | "validationBatch">,
  uses: { readonly sums: boolean; readonly average: boolean },
): void {
  trace.train(...inputs);
  if (uses.sums) trace.accumulate(...inputs);
  if (uses.average) trace.swap();
  if (validationBatch === 0) return;
  const [height, width] = model.inputSize;
  const pixels = new Uint8Array(validationBatch * height * width * 3);
  const images = upload(pixels, [validationBatch, height, width]);
  trace.predict(images);
  images.dispose();
}
