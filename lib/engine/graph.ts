import { ATTRIBUTE, type Attribute, DT } from "./native";
import { Message } from "./proto";

/** An output of a node. */
export interface Output {
  readonly node: GraphNode;
  readonly index: number;
}

/** Shape and TensorFlow type of one output. */
export interface OutputType {
  readonly shape: readonly number[];
  readonly dtype: number;
}

/** The value of a `Const` node, bytes in the machine's (little-endian) order. */
export interface ConstantValue extends OutputType {
  readonly bytes: Uint8Array;
}

/** One op of a TensorFlow graph. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly attributes: readonly Attribute[];
  readonly inputs: readonly Output[];
  /** Nodes that must have run before this one. */
  readonly after: readonly GraphNode[];
  readonly outputs: readonly OutputType[];
  readonly value?: ConstantValue;
}

/** A node of which only what is not empty is given. */
export function makeNode(name: string, op: string, more: Partial<GraphNode>): GraphNode {
  return { name, op, attributes: [], inputs: [], after: [], outputs: [], ...more };
}

/** The name of an output as a session knows it. */
export function outputName(output: Output): string {
  return `${output.node.name}:${output.index}`;
}

/** A named tensor at the graph's border, for a signature. */
export interface SignatureEntry {
  readonly key: string;
  readonly output: Output;
}

/**
 * The bytes of a `saved_model.pb` that holds this graph and no variables' values.
 *
 * @see https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/core/protobuf/saved_model.proto
 */
export function savedModelBytes(
  nodes: readonly GraphNode[],
  signature?: { inputs: readonly SignatureEntry[]; outputs: readonly SignatureEntry[] },
): Uint8Array {
  const graph = new Message();
  for (const node of nodes) graph.message(1, nodeMessage(node));
  // The producer version tells which defaults and checks apply; this is TensorFlow 2.9's and later.
  graph.message(4, new Message().varint(1, 1087));
  const metaGraph = new Message()
    .message(1, new Message().string(4, "serve").string(5, "2.21.0"))
    .message(2, graph);
  if (signature !== undefined) {
    const definition = new Message();
    for (const { key, output } of signature.inputs) definition.entry(1, key, tensorInfo(output));
    for (const { key, output } of signature.outputs) definition.entry(2, key, tensorInfo(output));
    definition.string(3, "tensorflow/serving/predict");
    metaGraph.entry(5, "serving_default", definition);
  }
  return new Message().varint(1, 1).message(2, metaGraph).finish();
}

function tensorInfo(output: Output): Message {
  const { dtype, shape } = output.node.outputs[output.index];
  return new Message()
    .string(1, outputName(output))
    .varint(2, dtype)
    .message(3, shapeMessage(shape));
}

function nodeMessage(node: GraphNode): Message {
  const message = new Message().string(1, node.name).string(2, node.op);
  for (const input of node.inputs) {
    message.string(3, input.index === 0 ? input.node.name : outputName(input));
  }
  for (const previous of node.after) message.string(3, `^${previous.name}`);
  for (const attribute of node.attributes) {
    message.entry(5, attribute.name, attributeMessage(attribute));
  }
  if (node.value !== undefined) {
    const tensor = new Message()
      .varint(1, node.value.dtype)
      .message(2, shapeMessage(node.value.shape))
      .bytes(4, node.value.bytes);
    message.entry(5, "dtype", new Message().varint(6, node.value.dtype));
    message.entry(5, "value", new Message().message(8, tensor));
  }
  return message;
}

/** Field numbers of `AttrValue`, which its lists share. */
const ATTRIBUTE_FIELD: Record<number, number> = {
  [ATTRIBUTE.string]: 2,
  [ATTRIBUTE.int]: 3,
  [ATTRIBUTE.float]: 4,
  [ATTRIBUTE.bool]: 5,
  [ATTRIBUTE.type]: 6,
};

function attributeMessage({ name, type, value }: Attribute): Message {
  if (type === ATTRIBUTE.shape) {
    return new Message().message(7, shapeMessage(value as readonly number[]));
  }
  if (!Array.isArray(value)) return scalar(new Message(), name, type, value as string | number);
  const list = new Message();
  for (const item of value) scalar(list, name, type, item);
  return new Message().message(1, list);
}

function scalar(into: Message, name: string, type: number, value: string | number): Message {
  const field = ATTRIBUTE_FIELD[type];
  if (field === undefined) throw new Error(`attribute ${name} has an unknown kind, ${type}`);
  if (type === ATTRIBUTE.string) return into.string(field, String(value));
  if (type === ATTRIBUTE.float) return into.float(field, Number(value));
  return into.varint(field, BigInt(value));
}

function shapeMessage(shape: readonly number[]): Message {
  const message = new Message();
  for (const size of shape) message.message(2, new Message().varint(1, size));
  return message;
}

/** @returns whether values of this type can be written into a graph. */
export function isEmbeddable(dtype: number): boolean {
  return dtype === DT.float32 || dtype === DT.int32 || dtype === DT.bool || dtype === DT.int64;
}
