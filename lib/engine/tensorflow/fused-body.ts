import { DT } from "../native";
import { type Body, castNode, type GraphNode, makeNode, type Output, outputName } from "./graph";

/**
 * Make a function of a stretch of a trace: what the nodes read from outside becomes its parameters.
 *
 * @param result What the function gives.
 * @returns the function, and what it is called with.
 */
export function bodyOf(
  nodes: readonly GraphNode[],
  result: Output,
): { readonly body: Body; readonly inputs: readonly Output[] } {
  const inputs = new Map<string, Output>();
  const parameters = new Map<string, GraphNode>();
  const inside = new Map<GraphNode, GraphNode>();
  const own: GraphNode[] = [];
  const there = (output: Output): Output => {
    const { node, index } = output;
    const known = inside.get(node);
    if (known !== undefined) return { node: known, index };
    if (node.op === "Const") {
      inside.set(node, node);
      own.push(node);
      return output;
    }
    const name = outputName(output);
    let parameter = parameters.get(name);
    if (parameter === undefined) {
      parameter = makeNode(`parameter${inputs.size}`, "", { outputs: [node.outputs[index]] });
      inputs.set(name, output);
      parameters.set(name, parameter);
    }
    return { node: parameter, index: 0 };
  };
  for (const node of nodes) {
    const copy: GraphNode = { ...node, inputs: node.inputs.map(there) };
    inside.set(node, copy);
    own.push(copy);
  }
  const body = { parameters: [...parameters.values()], nodes: own, outputs: [there(result)] };
  return { body, inputs: [...inputs.values()] };
}

/**
 * The same function for operands and results in other formats; inside it stays as it was.
 *
 * @param operands TensorFlow's number of each parameter's type; `results` alike.
 */
export function withFormats(
  body: Body,
  operands: readonly number[],
  results: readonly number[],
): Body {
  const replaced = new Map<GraphNode, GraphNode>();
  const there = ({ node, index }: Output): Output => ({ node: replaced.get(node) ?? node, index });
  const casts: GraphNode[] = [];
  const parameters = body.parameters.map((parameter, i) => {
    const [type] = parameter.outputs;
    if (type.dtype === operands[i]) return parameter;
    const copy = { ...parameter, outputs: [{ ...type, dtype: operands[i] }] };
    const back = castNode(`${copy.name}_wide`, { node: copy, index: 0 }, type.dtype);
    replaced.set(parameter, back);
    casts.push(back);
    return copy;
  });
  const nodes = body.nodes.map((node) => {
    const copy: GraphNode = { ...node, inputs: node.inputs.map(there) };
    replaced.set(node, copy);
    return copy;
  });
  const outputs = body.outputs.map((output, i) => {
    const result = there(output);
    if (result.node.outputs[result.index].dtype === results[i]) return result;
    const node = castNode(`${result.node.name}_low`, result, results[i]);
    nodes.push(node);
    return { node, index: 0 };
  });
  return { parameters, nodes: [...casts, ...nodes], outputs };
}

/**
 * A call of a body whose operands came in these formats: it casts by itself.
 *
 * @param inputs What it is called with now.
 */
export function launchWith(node: GraphNode, body: Body, inputs: readonly Output[]): GraphNode {
  const types = inputs.map((input) => input.node.outputs[input.index]);
  const sizes = types.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  const largest = Math.max(...sizes);
  const low = types.every(({ dtype }, i) => sizes[i] < largest || dtype === DT.bfloat16);
  const outputs = node.outputs.map((type) =>
    low && type.dtype === DT.float32 ? { ...type, dtype: DT.bfloat16 } : type,
  );
  const formats = [types, outputs].map((list) => list.map(({ dtype }) => dtype));
  return { ...node, inputs, outputs, body: withFormats(body, formats[0], formats[1]) };
}
