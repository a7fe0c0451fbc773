import { DT } from "../../native";
import type { Trace } from "../function-trace";
import type { Body, GraphNode, Output } from "../graph";
import { hasSiluKernel, siluNode } from "../silu-op";
import { ownKernels, withOthers } from "./own-kernels";
import type { Pass } from "./pass";

/** SiLU and its gradient in bfloat16 as kernels of our own, as `silu` writes them. */
export const siluKernel: Pass = {
  name: "silu-kernel",
  processorsOnly: true,
  summary: "SiLU and its gradient in bfloat16 are kernels of this library",
  run: ownKernels(
    (node) => node.body !== undefined && operandsOf(node, node.body) !== undefined,
    hasSiluKernel,
    withKernels,
  ),
};

function withKernels(trace: Trace, threads: number): Trace {
  return withOthers(trace, (node) => {
    const operands = node.body && operandsOf(node, node.body);
    return operands && siluNode(node.name, operands, threads);
  });
}

/** `x`, or `x` and `dy`, of a call that computes SiLU or its gradient, whatever it casts in between. */
function operandsOf(call: GraphNode, { parameters, nodes, outputs }: Body): Output[] | undefined {
  if (nodes.length > MOST_NODES) return undefined;
  const [result, ...others] = call.outputs;
  const isAlike = ({ node, index }: Output) =>
    node.outputs[index].dtype === DT.bfloat16 &&
    `${node.outputs[index].shape}` === `${result.shape}`;
  if (others.length > 0 || result.dtype !== DT.bfloat16 || !call.inputs.every(isAlike))
    return undefined;
  const form = formOf(outputs[0].node, new Map(parameters.map((node, i) => [node, i])));
  const known = FORMS.find(([text]) => text === form);
  return known?.[1].map((i) => call.inputs[i]);
}

/** More ops, casts and constants among them, than one of these has: an expression as text can be much longer than its ops. */
const MOST_NODES = 16;

/** SiLU, and its gradient with `dy` as the first or second parameter; which parameters are `x` and `dy`. */
const FORMS: readonly (readonly [form: string, operands: readonly number[]])[] = [
  ["Mul(p0,Sigmoid(p0))", [0]],
  [gradient("p0", "p1"), [1, 0]],
  [gradient("p1", "p0"), [0, 1]],
];

function gradient(dy: string, x: string): string {
  return `Mul(${dy},Mul(Sigmoid(${x}),Add(Mul(${x},Sub(1,Sigmoid(${x}))),1)))`;
}

/** An expression as text, without casts. */
function formOf(node: GraphNode, parameters: ReadonlyMap<GraphNode, number>): string {
  const number = parameters.get(node);
  if (number !== undefined) return `p${number}`;
  if (node.value !== undefined) {
    const { dtype, shape, bytes } = node.value;
    return dtype === DT.float32 && shape.length === 0
      ? `${new Float32Array(bytes.slice(0, 4).buffer)[0]}`
      : "?";
  }
  const inside = node.inputs.map((input) => formOf(input.node, parameters));
  return node.op === "Cast" ? inside[0] : `${node.op.replace("V2", "")}(${inside})`;
}
