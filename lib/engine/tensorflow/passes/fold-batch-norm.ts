import type { OutputType } from "../../native";
import { attribute, DT } from "../../native";
import type { Trace } from "../function-trace";
import { type GraphNode, makeNode, type Output } from "../graph";
import type { Pass } from "./pass";

/**
 * Put a batch norm that only scales and shifts into the convolution before it (Jacob et al. 2018,
 * arXiv:1712.05877, section 3.2): the filter is scaled once, and the shift is a bias, which TensorFlow
 * fuses with the convolution and the activation after it. A bias that the convolution has already (VGG's) becomes part of that.
 *
 * Only for prediction: where a gradient reads the convolution's result too, it is left alone.
 */
export const foldBatchNorm: Pass = {
  name: "fold-batch-norm",
  summary: "a frozen batch norm becomes part of the convolution before it",
  run: folded,
};

function folded(trace: Trace): Trace {
  const uses = countUses(trace);
  const replaced = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => replaced.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.flatMap((node) => {
    const current = { ...node, inputs: node.inputs.map(moved), after: node.after.map(there) };
    const fits = isFrozenBatchNorm(node) && !uses.beyondFirst.has(node);
    const found = fits ? biasedConvolution(node.inputs[0].node, uses.count) : undefined;
    const replacement =
      found === undefined
        ? [current]
        : fold(current, there(found.convolution), found.bias && moved(found.bias));
    replaced.set(node, replacement[replacement.length - 1]);
    return replacement;
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  return { ...trace, nodes, inputs, effects, outputs: trace.outputs.map(moved) };
}

function countUses({ nodes, outputs }: Trace) {
  const count = new Map<GraphNode, number>();
  const beyondFirst = new Set<GraphNode>();
  for (const { node, index } of [...nodes.flatMap(({ inputs }) => inputs), ...outputs]) {
    count.set(node, (count.get(node) ?? 0) + 1);
    if (index > 0) beyondFirst.add(node);
  }
  return { count, beyondFirst };
}

function isFrozenBatchNorm({ op, attributes }: GraphNode): boolean {
  const training = attributes.find(({ name }) => name === "is_training");
  return op === "FusedBatchNormV3" && training?.value === false;
}

/** A convolution, and the bias that is added to it if there is one, of which nobody else reads anything. */
function biasedConvolution(node: GraphNode, count: ReadonlyMap<GraphNode, number>) {
  const bias = node.op === "BiasAdd" && count.get(node) === 1 ? node.inputs[1] : undefined;
  const convolution = bias === undefined ? node : node.inputs[0].node;
  const fits =
    count.get(convolution) === 1 &&
    (convolution.op === "Conv2D" || convolution.op === "DepthwiseConv2dNative");
  return fits ? { convolution, bias } : undefined;
}

/** filter · scale / √(variance + ε), and offset + (bias − mean) · scale / √(variance + ε) as the bias. */
function fold(norm: GraphNode, convolution: GraphNode, bias?: Output): GraphNode[] {
  const [, scale, offset, mean, variance] = norm.inputs;
  const [image, filter] = convolution.inputs;
  const type = attribute.type("T", DT.float32);
  const nodes: GraphNode[] = [];
  const add = (part: string, op: string, inputs: Output[], output: OutputType): Output => {
    const name = `${norm.name}_${part}`;
    const node = makeNode(name, op, { attributes: [type], inputs, outputs: [output] });
    nodes.push(node);
    return { node, index: 0 };
  };
  const constant = (part: string, dtype: number, values: Float32Array | Int32Array): Output => {
    const shape = part === "epsilon" ? [] : [values.length];
    const value = { shape, dtype, bytes: new Uint8Array(values.buffer as ArrayBuffer) };
    const node = makeNode(`${norm.name}_${part}`, "Const", { outputs: [value], value });
    nodes.push(node);
    return { node, index: 0 };
  };
  const channels = norm.outputs[1];
  const epsilon = Number(norm.attributes.find(({ name }) => name === "epsilon")?.value);
  const small = constant("epsilon", DT.float32, Float32Array.of(epsilon));
  const inverse = add(
    "inverse",
    "Rsqrt",
    [add("variance", "AddV2", [variance, small], channels)],
    channels,
  );
  const factor = add("factor", "Mul", [scale, inverse], channels);
  const filterType = filter.node.outputs[filter.index];
  // A depthwise filter has its channels last but one.
  const shape = convolution.op === "Conv2D" ? channels.shape : [...channels.shape, 1];
  const size = constant("shape", DT.int32, Int32Array.from(shape));
  const along = add("along", "Reshape", [factor, size], { ...channels, shape });
  const scaled = add("filter", "Mul", [filter, along], filterType);
  const rest = bias === undefined ? mean : add("rest", "Sub", [mean, bias], channels);
  const shift = add("shift", "Mul", [rest, factor], channels);
  const whole = add("bias", "Sub", [offset, shift], channels);
  const product = { ...convolution, name: `${norm.name}_product`, inputs: [image, scaled] };
  nodes.push(product);
  add("sum", "BiasAdd", [{ node: product, index: 0 }, whole], norm.outputs[0]);
  return nodes;
}
