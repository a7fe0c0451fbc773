import { DT, hasOneDnn, type OutputType } from "../../native";
import type { Trace } from "../function-trace";
import { fusedProduct, worksFused } from "../fused-product";
import { type GraphNode, makeNode, type Output, reshapeNodes, shapeOf } from "../graph";
import { hasOwnLinear, linearNode } from "../linear-op";
import { coresOfPart } from "../processor";
import { fixedNodes } from "./fixed-nodes";
import type { Pass } from "./pass";

/** Rows and columns from which on a matrix of weights is worth a form of its own. */
const SMALLEST = 16;

/**
 * Products by weights that stay, as one op: it adds the bias, applies GELU or adds the residual
 * while the result is in the cache, and keeps the weights in whichever order its kernel likes best.
 * TensorFlow does so by itself only where nothing stands between, and with constants in the graph.
 *
 * In bfloat16 the op is our own where the processor has tiles for it, which adds residuals in float32 too; else oneDNN's.
 */
export const fuseProducts: Pass = {
  name: "fuse-products",
  processorsOnly: true,
  summary: "a product by weights that stay takes bias, GELU and residual sum along",
  run: (trace, { portable, constantVariables, parts = 1 }) =>
    portable || !constantVariables || trace.effects.length > 0 || !hasOneDnn()
      ? trace
      : new Fusing(trace, coresOfPart(parts)).run(),
};

/** A product and what follows it. */
interface Chain {
  readonly product: GraphNode;
  /** What adds the bias. */
  readonly bias?: GraphNode;
  /** The shape of the result. */
  readonly shape: readonly number[];
  readonly activation?: "GeluExact";
  /** In the product's type; in float32 where our own op adds it. */
  readonly residual?: Output;
  /** Whether our own op computes it. */
  readonly own: boolean;
  /** The ops that it stands for, in their order. */
  readonly ops: readonly GraphNode[];
}

class Fusing {
  private readonly readers = new Map<GraphNode, GraphNode[]>();
  private readonly fetched: ReadonlySet<GraphNode>;
  private readonly fixed: ReadonlySet<GraphNode>;
  private readonly nodes: GraphNode[] = [];
  private readonly replaced = new Map<GraphNode, GraphNode>();

  constructor(
    private readonly trace: Trace,
    private readonly threads: number,
  ) {
    this.fixed = fixedNodes(trace);
    for (const node of trace.nodes) {
      for (const { node: source } of node.inputs) {
        this.readers.set(source, [...(this.readers.get(source) ?? []), node]);
      }
    }
    this.fetched = new Set([
      ...trace.outputs.map(({ node }) => node),
      ...trace.nodes.flatMap(({ after }) => after),
    ]);
  }

  run(): Trace {
    const { trace } = this;
    const chains = new Map<GraphNode, Chain>();
    const inner = new Set<GraphNode>();
    for (const node of trace.nodes) {
      if (!this.isProduct(node)) continue;
      const chain = this.chainFrom(node);
      const last = chain.ops[chain.ops.length - 1];
      // The sum of two products belongs to the first of them.
      if (chains.has(last)) continue;
      chains.set(last, chain);
      for (const op of chain.ops) if (op !== last) inner.add(op);
    }
    for (const node of trace.nodes) {
      const chain = chains.get(node);
      if (chain !== undefined) this.replaced.set(node, this.fused(chain));
      else if (!inner.has(node)) this.replaced.set(node, this.copied(node));
    }
    return {
      ...trace,
      nodes: this.nodes,
      inputs: trace.inputs.map((node) => this.there(node)),
      outputs: trace.outputs.map((output) => this.moved(output)),
    };
  }

  private isProduct({ op, attributes, inputs, outputs }: GraphNode): boolean {
    if (op !== "MatMul") return false;
    const [rows, weight] = inputs;
    return (
      !attributes.some(({ name, value }) => name === "transpose_a" && value === true) &&
      this.fixed.has(weight.node) &&
      weight.node.op !== "Const" &&
      !this.fixed.has(rows.node) &&
      shapeOf(weight).every((length) => length >= SMALLEST) &&
      worksFused(outputs[0].dtype)
    );
  }

  /** The only op that reads a result, if there is one. */
  private reader(node: GraphNode): GraphNode | undefined {
    const readers = this.readers.get(node) ?? [];
    return readers.length === 1 && !this.fetched.has(node) ? readers[0] : undefined;
  }

  private chainFrom(product: GraphNode): Chain {
    const own = hasOwnLinear(product.inputs[0]);
    const [{ shape: rows, dtype }] = product.outputs;
    const next = this.reader(product);
    const bias = next?.op === "BiasAdd" && next.inputs[0].node === product ? next : undefined;
    const ops = bias === undefined ? [product] : [product, bias];
    const plain: Chain = { product, bias, own, shape: rows, ops: [...ops] };
    const follow = (op: string, to = dtype) => {
      const reader = this.reader(ops[ops.length - 1]);
      if (reader?.op === op && reader.outputs[0].dtype === to) ops.push(reader);
    };
    follow("Reshape");
    const gelu = this.reader(ops[ops.length - 1]);
    if (own) follow("Cast", DT.float32);
    const last = ops[ops.length - 1];
    const sum = this.reader(last);
    const [type] = last.outputs;
    const alike = ({ shape, dtype: other }: OutputType) =>
      other === type.dtype && `${shape}` === `${type.shape}`;
    const whole = (after: GraphNode) => ({ ...plain, shape: type.shape, ops: [...ops, after] });
    if (gelu !== undefined && isGelu(gelu) && gelu.outputs[0].dtype === dtype) {
      return { ...whole(gelu), activation: "GeluExact" };
    }
    if (sum === undefined || !["Add", "AddV2"].includes(sum.op) || !alike(sum.outputs[0]))
      return plain;
    const residual = sum.inputs.find(({ node }) => node !== last);
    const fits =
      residual !== undefined &&
      alike(residual.node.outputs[residual.index]) &&
      !this.fixed.has(residual.node);
    return fits ? { ...whole(sum), residual } : plain;
  }

  private copied(node: GraphNode): GraphNode {
    const copy = {
      ...node,
      inputs: node.inputs.map((input) => this.moved(input)),
      after: node.after.map((before) => this.there(before)),
    };
    this.nodes.push(copy);
    return copy;
  }

  private fused({ product, bias, shape, activation, residual, own, ops }: Chain): GraphNode {
    const { name } = product;
    const [type] = product.outputs;
    const added = [bias === undefined ? this.zeros(name, type) : this.moved(bias.inputs[1])];
    if (residual !== undefined) {
      added.push(this.reshaped(`${name}_residual`, this.moved(residual), type.shape));
    }
    const transposes = product.attributes.some((a) => a.name === "transpose_b" && a.value === true);
    const operands = product.inputs.map((input) => this.moved(input));
    const parts = { operands, added, transposes, activation };
    const node = own
      ? linearNode(`${name}_fused`, parts, this.threads)
      : fusedProduct(`${name}_fused`, parts);
    const after = ops.flatMap((op) => op.after.map((before) => this.there(before)));
    const whole = { ...node, after };
    this.nodes.push(whole);
    return this.reshaped(`${name}_shaped`, { node: whole, index: 0 }, shape).node;
  }

  private zeros(name: string, { shape, dtype }: GraphNode["outputs"][number]): Output {
    const [, length] = shape;
    const bytes = new Uint8Array((dtype === DT.bfloat16 ? 2 : 4) * length);
    const value = { shape: [length], dtype, bytes };
    const node = makeNode(`${name}_bias`, "Const", { outputs: [value], value });
    this.nodes.push(node);
    return { node, index: 0 };
  }

  private reshaped(name: string, output: Output, shape: readonly number[]): Output {
    if (`${shapeOf(output)}` === `${shape}`) return output;
    const made = reshapeNodes(name, output, shape);
    this.nodes.push(...made);
    return { node: made[made.length - 1], index: 0 };
  }

  private there(node: GraphNode): GraphNode {
    return this.replaced.get(node) ?? node;
  }

  private moved({ node, index }: Output): Output {
    return { node: this.there(node), index };
  }
}

/** Whether a call computes ½ x (1 + erf(x / √2)), as `gelu` writes it, whatever it casts. */
function isGelu({ op, body }: GraphNode): boolean {
  if (op !== "PartitionedCall" || body?.parameters.length !== 1) return false;
  const inside = body.nodes.filter((node) => node.op !== "Cast");
  const constants = inside.flatMap(({ value }) =>
    value === undefined ? [] : [...new Float32Array(value.bytes.slice(0, 4).buffer)],
  );
  const ops = inside.flatMap((node) => (node.op === "Const" ? [] : [node.op.slice(0, 3)]));
  const expected = [0.5, Math.fround(Math.SQRT1_2), 1];
  return (
    `${ops.sort()}` === "Add,Erf,Mul,Mul,Mul" && `${constants.sort()}` === `${expected.sort()}`
  );
}
