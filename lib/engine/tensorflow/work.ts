import { DT } from "../native";
import { ATTENTION } from "./attention-op";
import type { Trace } from "./function-trace";
import { FUSED_CONVOLUTION } from "./fused-convolution";
import type { GraphNode } from "./graph";
import { LINEAR } from "./linear-op";
import { type Processor, processor } from "./processor";

/**
 * Seconds that it costs to have one op done by several threads: they sleep in between, and wake slowly on a
 * virtual machine. Measured on two cores of an Intel with AMX: ViT-S/16 answers about one image in 24 ms by one
 * thread and in 32 by two, in bfloat16; in float32 in 89 and 72.
 */
const SHARING = 1.5e-4;

/**
 * Whether a function's products are so small that sharing each among the cores takes longer than it saves: what is
 * asked about one image in bfloat16, and small networks. Kernels of this library are not asked about: their threads wait awake.
 *
 * Of functions that change variables it is never said: their sums shall not depend on the processor's speed.
 */
export function isSmallWork(trace: Trace, machine: Processor = processor()): boolean {
  if (trace.effects.length > 0) return false;
  const products = trace.nodes.flatMap((node) => {
    const count = operations(node);
    return count > 0 ? [{ count, low: node.outputs[0].dtype === DT.bfloat16 }] : [];
  });
  if (products.length === 0) return trace.nodes.some(({ op }) => op === LINEAR || op === ATTENTION);
  const mean = products.reduce((sum, { count }) => sum + count, 0) / products.length;
  const { bfloat16, float32 } = machine.productSpeed;
  const seconds = mean / (products.some(({ low }) => low) ? bfloat16 : float32);
  return seconds * (1 - 1 / machine.cores) < SHARING;
}

/** Multiplications and additions of a product or convolution; 0 for anything else. */
function operations({ op, attributes, inputs, outputs }: GraphNode): number {
  const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const [first, second] = inputs.map(({ node, index }) => node.outputs[index]?.shape ?? []);
  const transposed = (name: string) => attributes.some((a) => a.name === name && a.value === true);
  switch (op) {
    case "MatMul":
    case "_MklNativeFusedMatMul":
      return 2 * sizeOf(outputs[0].shape) * first[transposed("transpose_a") ? 0 : 1];
    case "BatchMatMulV2":
      return 2 * sizeOf(outputs[0].shape) * first[first.length - (transposed("adj_x") ? 2 : 1)];
    case FUSED_CONVOLUTION:
    case "Conv2D":
      return 2 * sizeOf(outputs[0].shape) * sizeOf(second.slice(0, 3));
    default:
      return 0;
  }
}
