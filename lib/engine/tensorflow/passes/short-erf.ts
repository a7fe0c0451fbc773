import { attribute, DT } from "../../native";
import type { Trace } from "../function-trace";
import { type Body, type GraphNode, makeNode, type Output } from "../graph";
import type { Pass } from "./pass";

/**
 * The error function in kernels whose result is in bfloat16: z P(z²), without a division. XLA's own is exact to
 * float32, of which bfloat16 keeps a third of the digits.
 */
export const shortErf: Pass = {
  name: "short-erf",
  summary: "where bfloat16 is the result, the error function is a polynomial",
  run: (trace) => shortened(trace),
};

/** Beyond it the error function counts as 1; the polynomial is 1 there to 3e-6. */
const END = 2.85;

/**
 * P's coefficients, from the constant on: least largest error with P(END²) = 1 / END, by least squares
 * with weights that follow the error. erf is met within 6e-5, GELU within 1.1e-4.
 */
const COEFFICIENTS = [
  1.1280349493026733, -0.3739359974861145, 0.1087263822555542, -0.023311326280236244,
  0.003515190677717328, -0.00034729213803075254, 1.9906636225641705e-5, -4.971724365532282e-7,
];

function shortened(trace: Trace): Trace {
  const copies = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.map((node) => {
    const low = node.outputs[0]?.dtype === DT.bfloat16;
    const body = low && node.body?.nodes.some(isErf) ? withPolynomial(node.body) : node.body;
    const copy = { ...node, body, inputs: node.inputs.map(moved), after: node.after.map(there) };
    copies.set(node, copy);
    return copy;
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  return { ...trace, nodes, inputs, effects, outputs: trace.outputs.map(moved) };
}

function isErf({ op, outputs }: GraphNode): boolean {
  return op === "Erf" && outputs[0].dtype === DT.float32;
}

function withPolynomial({ parameters, nodes: before, outputs }: Body): Body {
  const replaced = new Map<GraphNode, GraphNode>();
  const there = ({ node, index }: Output): Output => ({ node: replaced.get(node) ?? node, index });
  const nodes = before.flatMap((node) => {
    const copy = { ...node, inputs: node.inputs.map(there) };
    const made = isErf(node) ? polynomial(copy) : [copy];
    replaced.set(node, made[made.length - 1]);
    return made;
  });
  return { parameters, nodes, outputs: outputs.map(there) };
}

/** Nodes of which the last one is erf of the operand. */
function polynomial({ name, inputs: [operand], outputs: [type] }: GraphNode): GraphNode[] {
  const nodes: GraphNode[] = [];
  const put = (node: GraphNode): Output => {
    nodes.push(node);
    return { node, index: 0 };
  };
  const constant = (value: number): Output => {
    const bytes = new Uint8Array(Float32Array.of(value).buffer);
    const held = { shape: [], dtype: DT.float32, bytes };
    const outputs = [{ shape: [], dtype: DT.float32 }];
    return put(makeNode(`${name}_short${nodes.length}`, "Const", { outputs, value: held }));
  };
  const attributes = [attribute.type("T", DT.float32)];
  const apply = (op: string, a: Output, b: Output): Output => {
    const inputs = [a, b];
    return put(
      makeNode(`${name}_short${nodes.length}`, op, { attributes, inputs, outputs: [type] }),
    );
  };
  const z = apply("Minimum", apply("Maximum", operand, constant(-END)), constant(END));
  const square = apply("Mul", z, z);
  const [last, ...rest] = [...COEFFICIENTS].reverse().map(constant);
  const sum = rest.reduce((total, next) => apply("AddV2", apply("Mul", total, square), next), last);
  apply("Mul", z, sum);
  return nodes;
}
