import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../../core/errors";
import { attribute, DT, dtypeNumber, nativeOp } from "../native";
import type { NativeBackend } from "./binding";
import { OPS } from "./op-table";

/** The gradients that take the place of tfjs's meanwhile. */
const TRACE_GRADIENTS: readonly tf.GradConfig[] = Object.entries(OPS).flatMap(
  ([kernelName, { gradient }]) => (gradient === undefined ? [] : [{ kernelName, ...gradient }]),
);

/** What a guard asks the tracer. */
export interface Guarded {
  /** The function that is traced. */
  readonly name: string;
  /** The values of a tensor that depends on no input; nothing for any other. */
  fixedValues(dataId: object): tf.BackendValues | undefined;
}

/** A compiled function does what a graph cannot repeat. */
export class TracingError extends UserError {
  /**
   * @param name The function.
   * @param what What it does: "reads …".
   * @param remedy What to write instead.
   */
  constructor(name: string, what: string, remedy: string) {
    super(`the compiled function "${name}" ${what}`, remedy);
  }
}

/**
 * Keep a traced function from what a graph cannot repeat: reading values, host randomness.
 *
 * @returns how to lift the guard again; gives the error that a promise could not throw in time.
 */
export function guard(backend: NativeBackend, tracer: Guarded): () => UserError | undefined {
  const { random } = Math;
  const { readSync, read } = backend;
  const gather = tf.getKernel("GatherV2", "tensorflow");
  let late: UserError | undefined;
  const readRefused = new TracingError(
    tracer.name,
    "reads the values of a tensor (data, dataSync, array, print …)",
    "return that tensor from the function and read it outside",
  );
  backend.readSync = (dataId) => {
    const values = tracer.fixedValues(dataId);
    if (values === undefined) throw readRefused;
    return values;
  };
  backend.read = (dataId) => {
    const values = tracer.fixedValues(dataId);
    if (values !== undefined) return Promise.resolve(values);
    late = readRefused;
    return new Promise(() => {});
  };
  Math.random = () => {
    throw new TracingError(
      tracer.name,
      "draws random numbers on the host, which a trace would repeat in every call",
      "use statelessUniform or statelessNormal with a seed that is an input",
    );
  };
  const gradients = TRACE_GRADIENTS.map(({ kernelName }) => tf.getGradient(kernelName));
  swapKernel(TRACE_GATHER);
  TRACE_GRADIENTS.forEach(swapGradient);
  return () => {
    backend.readSync = readSync;
    backend.read = read;
    Math.random = random;
    swapKernel(gather);
    gradients.forEach(swapGradient);
    return late;
  };
}

/** tfjs-node's own reads the indices on the host to check them; TensorFlow checks them too. */
const TRACE_GATHER: tf.KernelConfig = {
  kernelName: "GatherV2",
  backendName: "tensorflow",
  kernelFunc: ({ inputs, attrs }) => {
    const { x, indices } = inputs as { x: tf.Tensor; indices: tf.Tensor };
    const { axis, batchDims } = attrs as { axis: number; batchDims: number };
    const attributes = [
      attribute.int("batch_dims", batchDims),
      attribute.type("Tparams", dtypeNumber(x.dtype)),
      attribute.type("Tindices", DT.int32),
      attribute.type("Taxis", DT.int32),
    ];
    return nativeOp("GatherV2", attributes, [x, indices, tf.scalar(axis, "int32")])[0];
  },
};

function swapGradient(config: tf.GradConfig): void {
  tf.unregisterGradient(config.kernelName);
  tf.registerGradient(config);
}

function swapKernel(config: tf.KernelConfig): void {
  tf.unregisterKernel(config.kernelName, config.backendName);
  tf.registerKernel(config);
}
