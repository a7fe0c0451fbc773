import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../../core/errors";
import { dtypeNumber } from "../native";
import type { NativeBackend } from "./binding";

/** The tensors that {@link makeGraphOwned} put in place of a variable's values. */
const absent = new WeakSet<object>();

/**
 * Give up a variable's values here, because a graph holds and changes its own. Assigning to the
 * variable ends that; reading it before is an error rather than an old value.
 */
export function makeGraphOwned(variable: tf.Variable, backend: NativeBackend): void {
  if (isGraphOwned(variable)) return;
  const { shape, dtype, name } = variable;
  const tensor = backend.createOutputTensor({
    id: -1,
    shape: [...shape],
    dtype: dtypeNumber(dtype),
  });
  // tfjs-node looks for values still on the host before it does anything with a tensor.
  Object.defineProperty(backend.tensorMap.get(tensor.dataId), "values", {
    get: () => {
      throw new UserError(
        `the value of the variable "${name}" is in the compiled graph that changes it`,
        "call pull() of the compiled functions before reading it",
      );
    },
  });
  absent.add(tensor.dataId);
  variable.assign(tensor);
  tensor.dispose();
}

/** Whether a variable's values are in a graph only. */
export function isGraphOwned(variable: tf.Variable): boolean {
  return absent.has(variable.dataId);
}
