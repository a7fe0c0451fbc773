import * as tf from "@tensorflow/tfjs-core";
import type { Table } from "../core/table";
import type { Model } from "./module";
import { isInScope } from "./parameters";

/** Number of values that training can change. */
export function parameterCount(model: Model): number {
  return [...model.parameters.values()]
    .filter(({ buffer }) => !buffer)
    .reduce((sum, { variable }) => sum + variable.size, 0);
}

/** A row a layer, from the images to the logits: its parameters and their number; the sum last. */
export function modelSummary(model: Model): Table {
  const learned = [...model.parameters].filter(([, { buffer }]) => !buffer);
  const counts = model.parameterGroups.map((prefixes) =>
    learned
      .filter(([name]) => prefixes.some((prefix) => isInScope(name, prefix)))
      .reduce((sum, [, { variable }]) => sum + variable.size, 0),
  );
  return {
    layer: [
      ...model.parameterGroups.map((prefixes) => prefixes.join(", ")),
      `${model.name}, in all`,
    ],
    parameters: [...counts, parameterCount(model)],
  };
}

/**
 * Floating-point operations of one image's forward pass: two for each multiply-add of the matrix
 * products and convolutions; what lies between them is not counted, as is usual.
 */
export function countFlops(model: Model): number {
  let multiplyAdds = 0;
  tf.tidy(() => {
    const [height, width] = model.inputSize;
    const tally = (n: number) => {
      multiplyAdds += n;
    };
    // All of the last block, as others count it.
    const context = { training: false, tally };
    model.forwardHead(model.forwardFeatures(tf.zeros([1, height, width, 3]), context), context);
  });
  return 2 * multiplyAdds;
}
