import { UserError } from "../core/errors";
import type { Model } from "./module";
import { isInScope } from "./parameters";

/** Which part of a model stays as it is: all but the classifier, nothing, or the first n layers. */
export type Freeze = "backbone" | "none" | number;

/**
 * Decide which parameters training changes. A batch norm that is frozen normalizes by its running
 * statistics, and they stay as they are.
 *
 * @throws UserError when `what` is more layers than there are.
 */
export function freeze(model: Model, what: Freeze): void {
  const frozen = checkFreeze(model, what);
  for (const [name, parameter] of model.parameters) {
    const open =
      what === "backbone" ? isInScope(name, model.classifier) : layerOf(model, name) >= frozen;
    parameter.trainable = !parameter.buffer && open;
  }
}

/**
 * How many layers from the bottom are frozen.
 *
 * @throws UserError when `what` is more layers than there are.
 */
export function checkFreeze(model: Model, what: Freeze): number {
  const last = model.parameterGroups.length - 1;
  const frozen = what === "none" ? 0 : what === "backbone" ? last : what;
  if (frozen <= last) return frozen;
  throw new UserError(
    `${model.name} has ${last} layers below its classifier, and ${frozen} are to be frozen`,
    `freeze at most ${last}, or "backbone"`,
  );
}

/**
 * Layer-wise learning-rate decay: each layer's rate is `decay` times that of the layer above it
 * (Howard & Ruder 2018, arXiv:1801.06146; as used for ViTs by Bao et al. 2022, arXiv:2106.08254), with
 * layers counted as timm's `param_groups_layer_decay` does.
 *
 * @returns by parameter name, the factor of its learning rate; 1 for the classifier
 */
export function learningRateScales(model: Model, decay: number): Map<string, number> {
  const last = model.parameterGroups.length - 1;
  return new Map(
    [...model.parameters.keys()].map((name) => [name, decay ** (last - layerOf(model, name))]),
  );
}

/** Index into `model.parameterGroups` of the layer that a parameter belongs to; the most specific prefix wins. */
function layerOf(model: Model, name: string): number {
  let best = 0;
  let length = -1;
  for (const [index, prefixes] of model.parameterGroups.entries()) {
    for (const prefix of prefixes) {
      if (isInScope(name, prefix) && prefix.length > length)
        [best, length] = [index, prefix.length];
    }
  }
  return best;
}
