import { DT } from "../../native";
import {
  type FilterGradient,
  fillsTiles,
  filterGradientNode,
  hasFilterGradientKernel,
} from "../filter-gradient-op";
import type { Trace } from "../function-trace";
import { castNode, type GraphNode, type Output, shapeOf } from "../graph";
import { ownKernels } from "./own-kernels";
import type { Pass } from "./pass";
import { withoutDead } from "./without-dead";

/** TensorFlow's name of what the kernel stands for. */
const FILTER = "Conv2DBackpropFilter";

/** Gradients by the filters of convolutions in bfloat16 as a kernel of our own, where the processor has tiles for it. */
export const filterGradientKernel: Pass = {
  name: "filter-gradient-kernel",
  processorsOnly: true,
  summary: "gradients by filters are a kernel of this library, on processors with AMX",
  run: ownKernels(({ op }) => op === FILTER, hasFilterGradientKernel, withKernels),
};

function withKernels(trace: Trace, threads: number): Trace {
  const copies = new Map<GraphNode, GraphNode>();
  /** What gives in float32 what a node gives in bfloat16. */
  const full = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.flatMap((node) => {
    const inputs = node.inputs.map(moved);
    const after = node.after.map(there);
    const gradient = gradientOf({ ...node, inputs });
    if (gradient !== undefined) {
      const made = filterGradientNode(`${node.name}_tiles`, gradient, threads);
      const kernel = { ...made, after };
      const low = castNode(node.name, { node: kernel, index: 0 }, DT.bfloat16);
      copies.set(node, low);
      full.set(node, kernel);
      return [kernel, low];
    }
    const wide = node.op === "Cast" && node.outputs[0].dtype === DT.float32;
    const known = wide && after.length === 0 ? full.get(node.inputs[0].node) : undefined;
    if (known !== undefined) {
      copies.set(node, known);
      return [];
    }
    const copy = { ...node, inputs, after };
    copies.set(node, copy);
    return [copy];
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  const outputs = trace.outputs.map(moved);
  return full.size === 0 ? trace : withoutDead({ ...trace, nodes, inputs, effects, outputs });
}

/** What the kernel computes of a `Conv2DBackpropFilter`; nothing where it is for another one. */
function gradientOf({ op, attributes, inputs, outputs }: GraphNode): FilterGradient | undefined {
  if (op !== FILTER || outputs[0].dtype !== DT.bfloat16) return undefined;
  const given = (name: string) => attributes.find((attribute) => attribute.name === name)?.value;
  const [x, , dy] = inputs;
  const [[, height, width, channels], [, rows, columns]] = [x, dy].map(shapeOf);
  const [down, across, channelsIn, channelsOut] = outputs[0].shape;
  const [, stride, other] = given("strides") as readonly number[];
  const padding = given("padding");
  if (
    channels !== channelsIn ||
    !fillsTiles(channelsIn, channelsOut) ||
    stride !== other ||
    `${given("dilations")}` !== "1,1,1,1" ||
    (padding !== "SAME" && padding !== "VALID")
  )
    return undefined;
  // TensorFlow puts the smaller half of SAME's zeros above and to the left.
  const before = (results: number, length: number, size: number) =>
    padding === "VALID" ? 0 : Math.max(0, (results - 1) * stride + size - length) >> 1;
  const margin = [before(rows, height, down), before(columns, width, across)] as const;
  return { x, dy, filter: [down, across], stride, margin };
}
