import { type Attribute, attribute, DT, type OutputType } from "../native";

/** An output of a node. */
export interface Output {
  /** What computes it. */
  readonly node: GraphNode;
  /** Which of its outputs, from 0. */
  readonly index: number;
}

/** The value of a `Const` node, bytes in the machine's (little-endian) order. */
export interface ConstantValue extends OutputType {
  /** The elements one after another, row-major. */
  readonly bytes: Uint8Array;
}

/** One op of a TensorFlow graph. */
export interface GraphNode {
  /** Of its own in the graph. */
  readonly name: string;
  /** TensorFlow's name of the op; empty for a parameter of a body. */
  readonly op: string;
  /** All that the op has no default for. */
  readonly attributes: readonly Attribute[];
  /** Its operands. */
  readonly inputs: readonly Output[];
  /** Nodes that must have run before this one. */
  readonly after: readonly GraphNode[];
  /** Shape and type of each result. */
  readonly outputs: readonly OutputType[];
  /** Of a `Const`. */
  readonly value?: ConstantValue;
  /** Stays in float32 whatever the precision. */
  readonly autocast?: false;
  /** What a `PartitionedCall` computes, compiled into one kernel. */
  readonly body?: Body;
}

/** A function of its own within a graph. */
export interface Body {
  /** One node without an op for each input of the function. */
  readonly parameters: readonly GraphNode[];
  /** What it computes, each after what it reads. */
  readonly nodes: readonly GraphNode[];
  /** What it gives. */
  readonly outputs: readonly Output[];
}

/** Lengths of a value. */
export function shapeOf({ node, index }: Output): readonly number[] {
  return node.outputs[index].shape;
}

/** A node of which only what is not empty is given. */
export function makeNode(name: string, op: string, more: Partial<GraphNode>): GraphNode {
  return { name, op, attributes: [], inputs: [], after: [], outputs: [], ...more };
}

/** A node that gives a value in another type. */
export function castNode(name: string, value: Output, dtype: number): GraphNode {
  const from = value.node.outputs[value.index];
  return makeNode(name, "Cast", {
    attributes: [attribute.type("SrcT", from.dtype), attribute.type("DstT", dtype)],
    inputs: [value],
    outputs: [{ ...from, dtype }],
  });
}

/** A vector of integers, for ops that take shapes and axes as operands. */
export function integersNode(name: string, values: readonly number[]): GraphNode {
  const bytes = new Uint8Array(Int32Array.from(values).buffer);
  const value = { shape: [values.length], dtype: DT.int32, bytes };
  return makeNode(name, "Const", { outputs: [value], value });
}

/** Nodes of which the last one gives a value in another shape. */
export function reshapeNodes(name: string, value: Output, shape: readonly number[]): GraphNode[] {
  const { dtype } = value.node.outputs[value.index];
  const size = integersNode(`${name}_size`, shape);
  const node = makeNode(name, "Reshape", {
    attributes: [attribute.type("T", dtype), attribute.type("Tshape", DT.int32)],
    inputs: [value, { node: size, index: 0 }],
    outputs: [{ shape, dtype }],
  });
  return [size, node];
}

/** Nodes of which the last one gives the transpose of a matrix. */
export function transposeNodes(name: string, matrix: Output): GraphNode[] {
  const { shape, dtype } = matrix.node.outputs[matrix.index];
  const axes = integersNode(`${name}_axes`, [1, 0]);
  const node = makeNode(name, "Transpose", {
    attributes: [attribute.type("T", dtype), attribute.type("Tperm", DT.int32)],
    inputs: [matrix, { node: axes, index: 0 }],
    outputs: [{ shape: [shape[1], shape[0]], dtype }],
  });
  return [axes, node];
}

/** A variable of a session: its handle, and the nodes that read it and set it to a value. */
export function variableNodes(name: string, value: Output) {
  const type = value.node.outputs[value.index];
  const dtype = attribute.type("dtype", type.dtype);
  const shape = attribute.shape("shape", type.shape);
  const handle = makeNode(name, "VarHandleOp", {
    attributes: [dtype, shape, attribute.string("shared_name", name)],
    outputs: [type],
  });
  const ofHandle = { node: handle, index: 0 };
  const read = makeNode(`${name}/read`, "ReadVariableOp", {
    attributes: [dtype],
    inputs: [ofHandle],
    outputs: [type],
  });
  const assign = makeNode(`${name}/assign`, "AssignVariableOp", {
    attributes: [dtype],
    inputs: [ofHandle, value],
  });
  return { handle, read, assign };
}

/** The name of an output as a session knows it. */
export function outputName(output: Output): string {
  return `${output.node.name}:${output.index}`;
}

/** @returns whether values of this type can be written into a graph. */
export function isEmbeddable(dtype: number): boolean {
  return dtype === DT.float32 || dtype === DT.int32 || dtype === DT.bool || dtype === DT.int64;
}
