import { matchNames } from "../core/names";
import type { TensorSource } from "../io/safetensors";
import { readDescription, type TaskDescription } from "./description";
import type { Model } from "./module";

/** What becomes of the classifier in a file. */
export interface ClassifierMatch {
  /** The state dict with the classifier's rows in the order wanted; undefined: it starts fresh. */
  readonly source?: TensorSource;
  /** One sentence for people. */
  readonly says: string;
}

/**
 * Decide whether a file's classifier answers what is asked now.
 *
 * Where both sides name their outputs, they must be the same ones, in any order; the rows are then
 * brought into the order wanted. Where a name is not known, the number of outputs decides.
 *
 * @param task What the model is asked now, where that is known.
 */
export function matchClassifier(
  model: Model,
  source: TensorSource,
  task?: TaskDescription,
): ClassifierMatch {
  const [rows, features] = source.tensors.get(`${model.classifier}.weight`)?.shape ?? [];
  if (rows === undefined) return fresh(`${source.name} has none`);
  if (features !== model.numFeatures) {
    return fresh(`the file's sees ${features} features, and the network has ${model.numFeatures}`);
  }
  const saved = readDescription(source.metadata ?? {}, source.name)?.task;
  if (saved === undefined || task === undefined) {
    return rows === model.numClasses
      ? {
          source,
          says: `the classifier is kept: it has ${rows} outputs, whose names are not known`,
        }
      : fresh(`the file's has ${rows} outputs, and ${model.numClasses} are asked for`);
  }
  if (saved.task !== task.task) return fresh(`the file's is for another task, ${saved.task}`);
  const missing = task.outputs.filter((_, i) => matchNames(task.outputs, saved.outputs)[i] < 0);
  const extra = saved.outputs.filter((_, i) => matchNames(saved.outputs, task.outputs)[i] < 0);
  if (missing.length + extra.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`does not know ${missing.join(", ")}`] : []),
      ...(extra.length > 0 ? [`knows ${extra.join(", ")}, which is not asked for`] : []),
    ];
    return fresh(`the file's ${parts.join(" and ")}`);
  }
  const order = matchNames(task.outputs, saved.outputs);
  if (rows !== model.numClasses) return fresh(`the file's has ${rows} logits for another loss`);
  if (order.every((from, to) => from === to)) {
    return { source, says: "the classifier is kept: its outputs are the same" };
  }
  if (rows !== order.length) {
    return fresh("its outputs stand in another order, and each has several logits");
  }
  return {
    source: withRows(source, [`${model.classifier}.weight`, `${model.classifier}.bias`], order),
    says: "the classifier is kept: its outputs are the same, brought into this order",
  };
}

function fresh(why: string): ClassifierMatch {
  return { says: `the classifier starts fresh: ${why}` };
}

/** The same tensors; those named have row `order[i]` of before in place i. */
function withRows(
  source: TensorSource,
  names: readonly string[],
  order: ArrayLike<number>,
): TensorSource {
  return {
    ...source,
    read(name) {
      const values = source.read(name);
      if (!names.includes(name)) return values;
      const width = values.length / order.length;
      const sorted = new Float32Array(values.length);
      for (let i = 0; i < order.length; i++) {
        sorted.set(values.subarray(order[i] * width, (order[i] + 1) * width), i * width);
      }
      return sorted;
    },
  };
}
