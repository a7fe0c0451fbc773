import { DT } from "../../native";
import type { Trace } from "../function-trace";
import { gateNode, hasGateKernel } from "../gate-op";
import type { GraphNode, Output } from "../graph";
import { ownKernels, withOthers } from "./own-kernels";
import type { Pass } from "./pass";

/** Images times a number for each channel, in bfloat16, as a kernel of our own: squeeze-and-excitation and its gradient. */
export const gateKernel: Pass = {
  name: "gate-kernel",
  processorsOnly: true,
  summary: "images times a number for each channel are a kernel of this library",
  run: ownKernels((node) => operandsOf(node) !== undefined, hasGateKernel, withKernels),
};

function withKernels(trace: Trace, threads: number): Trace {
  return withOthers(trace, (node) => {
    const operands = operandsOf(node);
    return operands && gateNode(node.name, ...operands, threads);
  });
}

/** An image and its gate, where a node is the product of such. */
function operandsOf({ op, inputs, outputs }: GraphNode): [Output, Output] | undefined {
  if (op !== "Mul" || outputs[0].dtype !== DT.bfloat16) return undefined;
  const gates = (image: Output, gate: Output) => {
    const [whole, one] = [image, gate].map(({ node, index }) => node.outputs[index].shape);
    const along = whole.map((size, i) => (i === 0 || i === whole.length - 1 ? size : 1));
    return whole.length === 4 && `${one}` === `${along}` && `${one}` !== `${whole}`;
  };
  const [a, b] = inputs;
  if (gates(a, b)) return [a, b];
  return gates(b, a) ? [b, a] : undefined;
}
