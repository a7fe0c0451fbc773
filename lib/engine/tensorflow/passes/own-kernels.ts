import type { Trace } from "../function-trace";
import type { GraphNode } from "../graph";
import { coresOfPart } from "../processor";
import type { Pass } from "./pass";

/**
 * What a pass does that puts kernels of our own into a graph in bfloat16: nothing but where it finds an op for them, so that
 * nobody else waits until they are tried.
 *
 * @param wanted Whether an op is one of those that they stand for.
 * @param isThere Whether they run here.
 * @param rewrite Also given how many cores share a kernel.
 */
export function ownKernels(
  wanted: (node: GraphNode) => boolean,
  isThere: () => boolean,
  rewrite: (trace: Trace, threads: number) => Trace,
): Pass["run"] {
  return (trace, { portable, precision, parts = 1 }) =>
    portable || precision !== "mixed_bfloat16" || !trace.nodes.some(wanted) || !isThere()
      ? trace
      : rewrite(trace, coresOfPart(parts));
}
