import { attribute, DT } from "../../native";
import type { Trace } from "../function-trace";
import { launchWith } from "../fused-body";
import { castNode, type GraphNode, type Output } from "../graph";
import { type Bfloat16Rule, bfloat16RuleOf } from "../op-table";
import type { Pass } from "./pass";

/**
 * Rewrite a trace to another number format (mixed precision: Micikevicius et al. 2018,
 * arXiv:1710.03740; bfloat16: Kalamkar et al. 2019, arXiv:1905.12322).
 *
 * Inputs, outputs and variables stay float32; a value that is wanted in both formats is cast once. With
 * `bfloat16_products` all that is no product stays float32, too.
 */
export const mixedPrecision: Pass = {
  name: "mixed-precision",
  summary: "products in bfloat16, and with mixed_bfloat16 what lies between them",
  run: (trace, { precision }) =>
    precision === "float32"
      ? trace
      : new BFloat16Pass(precision === "bfloat16_products").run(trace),
};

class BFloat16Pass {
  private readonly nodes: GraphNode[] = [];
  private readonly rewritten = new Map<GraphNode, GraphNode>();
  private readonly casts = new Map<string, Output>();

  /** @param productsOnly Whether what lies between products stays float32. */
  constructor(private readonly productsOnly: boolean) {}

  run(trace: Trace): Trace {
    for (const node of trace.nodes) this.rewrite(node);
    // A function's results have the types it gave them.
    const outputs = trace.outputs.map((output) => {
      return this.as(this.moved(output), output.node.outputs[output.index].dtype);
    });
    const [inputs, effects] = [trace.inputs, trace.effects].map((list) =>
      list.map((node) => this.node(node)),
    );
    return { ...trace, nodes: this.nodes, inputs, outputs, effects };
  }

  private rewrite(node: GraphNode): void {
    if (node.body !== undefined) {
      const inputs = node.inputs.map((input) => {
        const { dtype } = input.node.outputs[input.index];
        return this.productsOnly ? this.as(this.moved(input), dtype) : this.moved(input);
      });
      this.put(node, launchWith(node, node.body, inputs));
      return;
    }
    const typed = bfloat16RuleOf(node.op);
    const attributeName = typed?.attribute ?? "T";
    const isFloat = node.attributes.some((a) => a.name === attributeName && a.value === DT.float32);
    const inputs = node.inputs.map((input) => this.moved(input));
    const low = typed !== undefined && isFloat && this.isLow(typed, node, inputs);
    const has = (list: readonly number[] | undefined, i: number) => list?.includes(i) ?? true;
    const copy: GraphNode = {
      ...node,
      after: node.after.map((previous) => this.node(previous)),
      inputs: inputs.map((input, i) => {
        const { dtype } = node.inputs[i].node.outputs[node.inputs[i].index];
        const wanted = low && dtype === DT.float32 && has(typed.inputs, i) ? DT.bfloat16 : dtype;
        return this.as(input, wanted);
      }),
      attributes: low
        ? node.attributes.map((a) =>
            a.name === attributeName ? attribute.type(a.name, DT.bfloat16) : a,
          )
        : node.attributes,
      outputs: node.outputs.map((type, i) =>
        low && type.dtype === DT.float32 && has(typed.outputs, i)
          ? { ...type, dtype: DT.bfloat16 }
          : type,
      ),
    };
    this.put(node, copy);
  }

  private put(node: GraphNode, copy: GraphNode): void {
    this.rewritten.set(node, copy);
    this.nodes.push(copy);
  }

  /** Whether an op's largest operands are in bfloat16 already. */
  private isLow(typed: Bfloat16Rule, node: GraphNode, inputs: readonly Output[]): boolean {
    if (node.autocast === false) return false;
    if (typed.rule === "always" || this.productsOnly) return typed.rule === "always";
    const operands = inputs.filter(
      (input, i) =>
        (typed.inputs?.includes(i) ?? true) &&
        input.node.op !== "Const" &&
        node.inputs[i].node.outputs[node.inputs[i].index].dtype === DT.float32,
    );
    const sizes = operands.map(({ node: { outputs }, index }) =>
      outputs[index].shape.reduce((a, b) => a * b, 1),
    );
    const largest = Math.max(0, ...sizes);
    const deciding = operands.filter((_, i) => sizes[i] === largest);
    return (
      deciding.length > 0 &&
      deciding.every((input) => input.node.outputs[input.index].dtype === DT.bfloat16)
    );
  }

  private node(original: GraphNode): GraphNode {
    // What is not the trace's own is a variable's handle.
    return this.rewritten.get(original) ?? original;
  }

  private moved({ node, index }: Output): Output {
    return { node: this.node(node), index };
  }

  /** The same value in this type. */
  private as(value: Output, dtype: number): Output {
    const from = value.node.outputs[value.index];
    if (from.dtype === dtype) return value;
    const key = `${value.node.name}:${value.index}`;
    const known = this.casts.get(key);
    if (known !== undefined) return known;
    const node = castNode(`${value.node.name}_${value.index}_as${dtype}`, value, dtype);
    this.nodes.push(node);
    const output = { node, index: 0 };
    this.casts.set(key, output);
    return output;
  }
}
