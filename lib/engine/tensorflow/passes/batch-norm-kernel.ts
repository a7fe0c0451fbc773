import { batchNormGradientNode, batchNormNode, hasBatchNormKernel } from "../batch-norm-op";
import type { Trace } from "../function-trace";
import type { GraphNode, Output } from "../graph";
import { coresOfPart } from "../processor";
import type { Pass } from "./pass";
import { type Readers, readersOf } from "./readers";
import { withoutDead } from "./without-dead";

/** Batch norms in training, the ReLUs after them and the gradients of both as kernels of our own. */
export const batchNormKernel: Pass = {
  name: "batch-norm-kernel",
  processorsOnly: true,
  summary: "in training, batch norm and the ReLU after it are one kernel of this library",
  run: (trace, { portable, parts = 1 }) =>
    portable || !trace.nodes.some(isTraining) || !hasBatchNormKernel()
      ? trace
      : withKernels(trace, coresOfPart(parts)),
};

/** Results of `FusedBatchNormV3`: the batch's mean, and what only its own gradient understands. */
const [MEAN, RESERVED] = [3, 5];

function withKernels(trace: Trace, threads: number): Trace {
  const readers = readersOf(trace);
  const made = new Map<GraphNode, GraphNode>();
  /** The norm that computes what a ReLU gives. */
  const rectified = new Map<GraphNode, GraphNode>();
  for (const norm of trace.nodes.filter(isTraining)) {
    const given = (name: string) => norm.attributes.find((one) => one.name === name)?.value;
    const options = (relu: boolean) => ({
      epsilon: Number(given("epsilon")),
      momentum: Number(given("exponential_avg_factor")),
      relu,
      threads,
    });
    const gradients = readersAt(norm, RESERVED, readers);
    if (!gradients.every((gradient) => isGradientOf(gradient, norm))) continue;
    const relu = reluAfter(norm, readers);
    if (relu !== undefined) rectified.set(relu, norm);
    made.set(norm, batchNormNode(norm.name, norm.inputs, options(relu !== undefined)));
    for (const gradient of gradients) {
      const [dy, x, scale, mean, variance] = gradient.inputs;
      const passes = relu !== undefined && isGradientOfRelu(dy.node, relu, readers);
      const inputs = [passes ? dy.node.inputs[0] : dy, x, scale, norm.inputs[2], mean, variance];
      made.set(gradient, batchNormGradientNode(gradient.name, inputs, options(passes)));
    }
  }
  const copies = new Map<GraphNode, GraphNode>();
  const there = (node: GraphNode) => copies.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  const nodes = trace.nodes.flatMap((node) => {
    const norm = rectified.get(node);
    const of = made.get(node) ?? node;
    const copy = { ...of, inputs: of.inputs.map(moved), after: node.after.map(there) };
    copies.set(node, norm === undefined ? copy : there(norm));
    return norm === undefined ? [copy] : [];
  });
  const [inputs, effects] = [trace.inputs, trace.effects].map((list) => list.map(there));
  const outputs = trace.outputs.map(moved);
  return made.size === 0 ? trace : withoutDead({ ...trace, nodes, inputs, effects, outputs });
}

function isTraining({ op, attributes }: GraphNode): boolean {
  return (
    op === "FusedBatchNormV3" &&
    attributes.find(({ name }) => name === "is_training")?.value === true
  );
}

/** Who reads one result of a node. */
function readersAt(node: GraphNode, index: number, readers: Readers): (GraphNode | undefined)[] {
  return (readers.get(node) ?? []).filter((one) => one.index === index).map(({ by }) => by);
}

/** Whether a node is the gradient of a norm, by the statistics that it gave. */
function isGradientOf(node: GraphNode | undefined, norm: GraphNode): node is GraphNode {
  if (node?.op !== "FusedBatchNormGradV3") return false;
  const [, x, , ...statistics] = node.inputs;
  return (
    x.node === norm.inputs[0].node &&
    x.index === norm.inputs[0].index &&
    statistics.every((one, i) => one.node === norm && one.index === MEAN + i)
  );
}

/** The ReLU that alone reads what a norm gives. */
function reluAfter(norm: GraphNode, readers: Readers): GraphNode | undefined {
  const [relu, ...others] = readersAt(norm, 0, readers);
  return relu?.op === "Relu" && relu.after.length === 0 && others.length === 0 ? relu : undefined;
}

/** Whether a node is the gradient of a ReLU, and nobody but one op reads it. */
function isGradientOfRelu(node: GraphNode, relu: GraphNode, readers: Readers): boolean {
  return (
    node.op === "ReluGrad" &&
    node.inputs[1].node === relu &&
    node.after.length === 0 &&
    readers.get(node)?.length === 1
  );
}
