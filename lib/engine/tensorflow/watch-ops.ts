import { attribute, DT, type OpCall } from "../native";
import { type NativeBinding, nativeBackend, type TensorMetadata } from "./binding";

/** Run `fn` and be told of each of TensorFlow's ops after it ran. */
export function watchOps(fn: () => void, seen: (call: OpCall) => void): void {
  const backend = nativeBackend();
  const { binding } = backend;
  const executeOp: NativeBinding["executeOp"] = (op, attributes, inputs, count) => {
    const outputs = binding.executeOp(op, attributes, inputs, count);
    seen({
      op,
      inputs,
      outputs: outputs.map(({ id }) => id),
      finite: () => outputs.every((output) => allFinite(binding, output)),
    });
    return outputs;
  };
  // The binding's methods are not writable, so what stands for it inherits from it.
  backend.binding = Object.create(binding, { executeOp: { value: executeOp } });
  try {
    fn();
  } finally {
    backend.binding = binding;
  }
}

function allFinite(binding: NativeBinding, { id, dtype }: TensorMetadata): boolean {
  if (dtype !== DT.float32) return true;
  try {
    const attributes = [attribute.type("T", DT.float32), attribute.string("message", "")];
    const [checked] = binding.executeOp("CheckNumerics", attributes, [id], 1);
    binding.deleteTensor(checked.id);
    return true;
  } catch {
    return false;
  }
}
