import { createHash } from "node:crypto";
import { Message } from "../../io/protobuf";
import { ATTRIBUTE, type Attribute } from "../native";
import { type Body, type GraphNode, type Output, outputName } from "./graph";
import { definitionOf } from "./op-table";

/** A named tensor at the graph's border, for a signature. */
export interface SignatureEntry {
  /** Its name in the signature. */
  readonly key: string;
  /** The tensor in the graph. */
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
  const functions = new Map<string, Message>();
  for (const node of nodes) {
    const inputs = node.inputs.map((input) =>
      input.index === 0 ? input.node.name : outputName(input),
    );
    const message = nodeMessage(node, node.name, inputs);
    if (node.body !== undefined) callBody(message, node.body, functions);
    graph.message(1, message);
  }
  const library = new Message();
  for (const definition of functions.values()) library.message(1, definition);
  graph.message(2, library);
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

function nodeMessage(node: GraphNode, name: string, inputs: readonly string[]): Message {
  const message = new Message().string(1, name).string(2, node.op);
  for (const input of inputs) message.string(3, input);
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

/** Add a body to the graph's functions, equal ones once, and have the node call it. */
function callBody(node: Message, body: Body, functions: Map<string, Message>): void {
  const [parts, signature, inputTypes, outputTypes] = [1, 2, 3, 4].map(() => new Message());
  const names = new Map<GraphNode, string>();
  for (const [i, parameter] of body.parameters.entries()) {
    const [{ dtype }] = parameter.outputs;
    signature.message(2, new Message().string(1, `a${i}`).varint(3, dtype));
    inputTypes.varint(6, dtype);
    names.set(parameter, `a${i}`);
  }
  const nameOf = (inner: GraphNode): string => {
    const name = names.get(inner);
    if (name === undefined) throw new Error(`${inner.op} is not part of the fused function`);
    return name;
  };
  for (const [i, inner] of body.nodes.entries()) {
    const { output } = definitionOf(inner.op);
    if (output === undefined) throw new Error(`a fused function cannot hold ${inner.op}`);
    const inputs = inner.inputs.map((input) => nameOf(input.node));
    parts.message(3, nodeMessage(inner, `n${i}`, inputs));
    names.set(inner, `n${i}:${output}:0`);
  }
  for (const [i, { node: source }] of body.outputs.entries()) {
    const [{ dtype }] = source.outputs;
    signature.message(3, new Message().string(1, `r${i}`).varint(3, dtype));
    outputTypes.varint(6, dtype);
    parts.message(4, new Message().string(1, `r${i}`).string(2, nameOf(source)));
  }
  const content = Buffer.concat([signature.finish(), parts.finish()]);
  const name = `fused_${createHash("sha256").update(content).digest("hex").slice(0, 16)}`;
  functions.set(name, parts.message(1, signature.string(1, name)));
  const list = (types: Message) => new Message().message(1, types);
  node
    .entry(5, "Tin", list(inputTypes))
    .entry(5, "Tout", list(outputTypes))
    .entry(5, "f", new Message().message(10, new Message().string(1, name)))
    .entry(5, "_XlaMustCompile", new Message().varint(5, true));
}
