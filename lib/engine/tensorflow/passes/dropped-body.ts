import { DT } from "../../native";
import type { HeadsDropout } from "../attention-op";
import type { GraphNode, Output } from "../graph";

/** What `dropped` computes of in a body: some of the values `x`, by a seed. */
export interface DroppedInBody extends Omit<HeadsDropout, "seed"> {
  readonly x: GraphNode;
  readonly seed: GraphNode;
}

/** The ops by which `dropped` draws bits. */
const DRAWING = "Add,BitwiseAnd×9,BitwiseXor×10,GatherV2×2,Mul×6,Range,RightShift×9";

/** The parameters and constants of a value in a body, if it is what `dropped` writes, whatever it casts. */
export function droppedInBody(value: Output): DroppedInBody | undefined {
  const product = uncast(value);
  if (product.op !== "Mul") return undefined;
  const [x, scaled] = product.inputs.map(uncast);
  if (x.op !== "" || scaled.op !== "Mul") return undefined;
  const [reshape, factor] = scaled.inputs.map(uncast);
  const compared = reshape.op === "Reshape" ? reshape.inputs[0].node : undefined;
  if (compared?.op !== "GreaterEqual") return undefined;
  const [bits, threshold] = compared.inputs.map(({ node }) => node);
  const drawing = [...ancestors(bits)];
  const parameters = drawing.filter(({ op }) => op === "");
  const [kept, least] = [scalar(factor, DT.float32), scalar(threshold, DT.int32)];
  if (kept === undefined || least === undefined || parameters.length !== 1) return undefined;
  const rate = least / 2 ** 32 + 0.5;
  const fits =
    Math.abs(kept * (1 - rate) - 1) < 1e-6 &&
    tally(drawing) === DRAWING &&
    drawing.some(({ op, outputs }) => op === "Range" && outputs[0].shape[0] === sizeOf(x));
  return fits ? { x, seed: parameters[0], least, kept } : undefined;
}

/** What a value was before it was cast. */
export function uncast({ node }: Output): GraphNode {
  return node.op === "Cast" ? uncast(node.inputs[0]) : node;
}

function ancestors(node: GraphNode, seen = new Set<GraphNode>()): ReadonlySet<GraphNode> {
  if (!seen.has(node)) {
    seen.add(node);
    for (const input of node.inputs) ancestors(input.node, seen);
  }
  return seen;
}

/** How many there are of each op, constants and parameters left out. */
function tally(nodes: readonly GraphNode[]): string {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  const ops = [...counts].filter(([op]) => op !== "" && op !== "Const").sort();
  return ops.map(([op, count]) => (count === 1 ? op : `${op}×${count}`)).join(",");
}

function sizeOf({ outputs: [{ shape }] }: GraphNode): number {
  return shape.reduce((a, b) => a * b, 1);
}

function scalar({ value }: GraphNode, dtype: number): number | undefined {
  if (value?.dtype !== dtype || value.bytes.length !== 4) return undefined;
  const { buffer } = value.bytes.slice();
  return (dtype === DT.int32 ? new Int32Array(buffer) : new Float32Array(buffer))[0];
}
