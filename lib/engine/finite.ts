import * as tf from "@tensorflow/tfjs-core";
import { nativeEngine, type OpCall } from "./native";

/** Ops that only arrange values: what they give is still the named tensor. */
const ARRANGING = /^(Reshape|Identity|Transpose|ExpandDims|Squeeze|Cast)$/;

/**
 * The first of several named tensors that holds a NaN or an infinity.
 *
 * Reads the tensors, so it is for looking after the fact; inside a compiled step return
 * `squaredNorms` of the gradients and look at those.
 *
 * @returns its name, or nothing when all are finite.
 */
export function firstNotFinite(
  tensors: Iterable<readonly [name: string, tensor: tf.Tensor]>,
): string | undefined {
  for (const [name, tensor] of tensors) {
    if (!allFinite(tensor)) return name;
  }
  return undefined;
}

/** Where the first number that is not finite came from. */
export interface NotFinite {
  /**
   * The op, by TensorFlow's name, such as `Log`; `variable` where a named tensor is not finite before
   * anything is computed.
   */
  readonly op: string;
  /** How many ops ran before it. */
  readonly after: number;
  /** The named tensor among its operands, else the last one that was used before it. */
  readonly near: string | undefined;
}

/**
 * Run a function op by op and find the first op whose result holds a NaN or an infinity although all
 * results before it were finite. What is computed backwards counts like the rest: where a loss is finite
 * and its gradient is not, the op is one of the gradient's.
 *
 * Slow, and in float32: for a step that went wrong, with the weights from before that step.
 *
 * @param run The computation, not a compiled function; what it returns is dropped.
 * @param named Weights by name, to tell the layer: `model.parameters` for example.
 * @returns nothing when all is finite.
 */
export function findNotFinite(
  run: () => unknown,
  named: Iterable<readonly [name: string, tensor: tf.Tensor]>,
): NotFinite | undefined {
  const tensors = [...named];
  const bad = firstNotFinite(tensors);
  if (bad !== undefined) return { op: "variable", after: 0, near: bad };
  const engine = nativeEngine();
  const keyOf = (tensor: tf.Tensor) => engine?.keyOf(tensor) ?? tensor.dataId;
  const names = new Map<unknown, string>(tensors.map(([name, tensor]) => [keyOf(tensor), name]));
  let found: NotFinite | undefined;
  let count = 0;
  let last: string | undefined;
  const seen = ({ op, inputs, outputs, finite }: OpCall) => {
    if (found !== undefined) return;
    const name = inputs.map((key) => names.get(key)).find((given) => given !== undefined);
    last = name ?? last;
    if (name !== undefined && ARRANGING.test(op)) for (const key of outputs) names.set(key, name);
    if (!ARRANGING.test(op) && !finite()) found = { op, after: count, near: last };
    count++;
  };
  const watched = () => {
    tf.tidy(() => {
      run();
    });
  };
  if (engine === undefined) watchKernels(watched, seen);
  else engine.watchOps(watched, seen);
  return found;
}

/** As the native engine's `watchOps`, of tfjs's kernels on other engines. */
function watchKernels(fn: () => void, seen: (call: OpCall) => void): void {
  const engine = tf.engine();
  const { runKernel } = engine;
  engine.runKernel = function watched<T extends tf.Tensor | tf.Tensor[]>(
    this: typeof engine,
    op: string,
    inputs: tf.NamedTensorMap,
    attributes?: Parameters<typeof runKernel>[2],
  ): T {
    const result = runKernel.call(this, op, inputs, attributes) as T;
    const outputs = Array.isArray(result) ? result : [result];
    // Looking at a result runs kernels too.
    engine.runKernel = runKernel;
    seen({
      op,
      inputs: Object.values(inputs).map(({ dataId }) => dataId),
      outputs: outputs.map(({ dataId }) => dataId),
      finite: () => outputs.every(allFinite),
    });
    engine.runKernel = watched;
    return result;
  };
  try {
    fn();
  } finally {
    engine.runKernel = runKernel;
  }
}

function allFinite(tensor: tf.Tensor): boolean {
  if (tensor.dtype !== "float32") return true;
  // 0 · x is 0 for every finite x, so that a sum cannot overflow.
  return Number.isFinite(tf.tidy(() => tf.sum(tf.mul(tensor, 0)).dataSync()[0]));
}
