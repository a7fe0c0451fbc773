import { createHash } from "node:crypto";
import { attribute } from "../../native";
import type { Trace } from "../function-trace";
import { type GraphNode, type Output, transposeNodes, variableNodes } from "../graph";
import { definitionOf } from "../op-table";
import type { Pass } from "./pass";

/**
 * Have what follows from weights alone computed once instead of in every call: their casts and transposes,
 * folded norms. For a function that changes no variable; it holds until another one does.
 *
 * @returns the trace, which reads such values from variables of its own, and in `prepack` the nodes
 * that set these.
 */
export const prepackWeights: Pass = {
  name: "prepack-weights",
  summary: "what follows from weights alone is computed once for many predictions",
  run: (trace, { portable }) =>
    portable || trace.effects.length > 0 ? trace : new Prepacking().run(trace),
};

class Prepacking {
  private readonly nodes: GraphNode[] = [];
  private readonly prepack: GraphNode[] = [];
  /** What needs no input of the function: constants, weights, and what follows from these. */
  private readonly fixed = new Set<GraphNode>();
  /** Those of them that follow from a weight, by more than another shape. */
  private readonly computed = new Set<GraphNode>();
  private readonly weights = new Set<GraphNode>();
  private readonly copies = new Map<GraphNode, GraphNode>();
  private readonly kept = new Map<string, Output>();
  private readonly digests = new Map<GraphNode, string>();

  run(trace: Trace): Trace {
    for (const node of trace.nodes) {
      if (this.isFixed(node)) this.addFixed(node);
      else this.addFree(node);
    }
    return {
      ...trace,
      nodes: this.nodes,
      inputs: trace.inputs.map((node) => this.there(node)),
      outputs: trace.outputs.map(({ node, index }) => ({ node: this.there(node), index })),
      prepack: this.prepack,
    };
  }

  private isFixed(node: GraphNode): boolean {
    if (node.op === "Const" || node.op === "ReadVariableOp") return true;
    const before = [...node.inputs.map((input) => input.node), ...node.after];
    return before.length > 0 && before.every((source) => this.fixed.has(source));
  }

  private addFixed(node: GraphNode): void {
    const sources = node.inputs.map((input) => input.node);
    this.nodes.push(node);
    this.fixed.add(node);
    if (node.op !== "ReadVariableOp" && !sources.some((source) => this.weights.has(source))) return;
    this.weights.add(node);
    if (
      definitionOf(node.op).alias !== true ||
      sources.some((source) => this.computed.has(source))
    ) {
      this.computed.add(node);
    }
  }

  private addFree(node: GraphNode): void {
    const plain = this.withPlainWeights(node);
    const copy: GraphNode = {
      ...plain,
      inputs: plain.inputs.map((input) =>
        this.computed.has(input.node)
          ? this.keep(input)
          : { node: this.there(input.node), index: input.index },
      ),
      after: plain.after.map((previous) => this.there(previous)),
    };
    this.copies.set(node, copy);
    this.nodes.push(copy);
  }

  /** A product by transposed weights as one by weights that are transposed beforehand: it is faster. */
  private withPlainWeights(node: GraphNode): GraphNode {
    const [rows, weight] = node.inputs;
    const isTransposed = ({ name, value }: (typeof node.attributes)[number]) =>
      name === "transpose_b" && value === true;
    if (node.op !== "MatMul" || !node.attributes.some(isTransposed)) return node;
    if (!this.weights.has(weight.node)) return node;
    const [axes, transpose] = transposeNodes(`${node.name}_transposed`, weight);
    for (const added of [axes, transpose]) this.addFixed(added);
    return {
      ...node,
      attributes: node.attributes.map((given) =>
        isTransposed(given) ? attribute.bool("transpose_b", false) : given,
      ),
      inputs: [rows, { node: transpose, index: 0 }],
    };
  }

  /** The same value, read from a variable that is set beforehand. */
  private keep(value: Output): Output {
    // By what it is: equal values share a copy, as do the traces for batches of other sizes.
    const name = `prepacked_${digest(value.node, this.digests)}_${value.index}`;
    const known = this.kept.get(name);
    if (known !== undefined) return known;
    const { handle, read, assign } = variableNodes(name, value);
    this.nodes.push(handle, assign, read);
    this.prepack.push(assign);
    const output = { node: read, index: 0 };
    this.kept.set(name, output);
    return output;
  }

  private there(node: GraphNode): GraphNode {
    return this.copies.get(node) ?? node;
  }
}

/** Equal for nodes that compute the same of the same variables, in whichever trace. */
function digest(node: GraphNode, known: Map<GraphNode, string>): string {
  let text = known.get(node);
  if (text === undefined) {
    const of = (input: Output) => [digest(input.node, known), input.index];
    const content = [node.op, node.attributes, node.inputs.map(of), node.outputs];
    const hash = createHash("sha256").update(JSON.stringify(content));
    if (node.op === "VarHandleOp") hash.update(node.name);
    if (node.value !== undefined) hash.update(node.value.bytes);
    if (node.body !== undefined) {
      const { parameters, outputs } = node.body;
      const inside = new Map(parameters.map((parameter, i) => [parameter, `${i}`]));
      hash.update(JSON.stringify(outputs.map((output) => digest(output.node, inside))));
    }
    text = hash.digest("hex").slice(0, 24);
    known.set(node, text);
  }
  return text;
}
