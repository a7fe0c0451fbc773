import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { SafetensorsFile, writeSafetensors } from "../io/safetensors";

/** Variables by name, in the order of the file. */
type NamedVariables = readonly (readonly [name: string, variable: tf.Variable])[];

/** Write variables as a `.safetensors` file. */
export function saveVariables(path: string, variables: NamedVariables): void {
  writeSafetensors(
    path,
    variables.map(([name, variable]) => ({
      name,
      shape: variable.shape,
      read: () => variable.dataSync<"float32">(),
    })),
  );
}

/**
 * Give variables the values that {@link saveVariables} wrote.
 *
 * @throws UserError when the file lacks one of them, or has it in another shape
 */
export function loadVariables(path: string, variables: NamedVariables): void {
  const file = SafetensorsFile.open(path);
  try {
    for (const [name, variable] of variables) {
      const shape = file.tensors.get(name)?.shape;
      if (shape === undefined || shape.join() !== variable.shape.join()) {
        throw new UserError(`${path} does not hold ${name} of this run`, "restart the run");
      }
      tf.tidy(() => variable.assign(tf.tensor(file.read(name), variable.shape)));
    }
  } finally {
    file.close();
  }
}
