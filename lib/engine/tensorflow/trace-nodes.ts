import type * as tf from "@tensorflow/tfjs-core";
import type { OutputType } from "../native";
import { type Attribute, attribute, DT } from "../native";
import type { NativeBackend, NativeBinding, TensorMetadata } from "./binding";
import { bodyOf } from "./fused-body";
import { type GraphNode, isEmbeddable, makeNode, type Output, outputName } from "./graph";
import { definitionOf, OPS } from "./op-table";
import { TracingError } from "./trace-guard";

/** A tensor from outside that a traced function may embed, in bytes. */
const LARGEST_CONSTANT = 64 * 2 ** 20;

/** Equal constants up to this many bytes share a node. */
const SHARED_CONSTANT = 4096;

/** Elements from which the memory of a tensor is worth computing it twice. */
const REMATERIALIZED_FROM = 2 ** 19;

/** The last symbolic tensor's handle: below TensorFlow's, and below -1, which tfjs-node has for none. */
let lastSymbolic = -1;

/** Whether a handle is that of a tensor which is not computed. */
export function isSymbolic(id: number): boolean {
  return id < -1;
}

/** The ops of a function as far as it has been traced, and which tensor is the result of which. */
export class TraceNodes {
  nodes: GraphNode[] = [];
  private readonly outputOf = new Map<number, Output>();
  /** Handles whose values do not depend on any input, so that reading them is harmless. */
  readonly fixed = new Set<number>();
  /** Variables that the function was not said to use, by handle. */
  readonly outsiders = new Map<number, string>();
  private float32Only = false;
  private fusing = false;
  /** Handles that were defined within the fused function. */
  private defined: number[] = [];
  private constants = new Map<string, Output>();
  private count = 0;
  /** What is computed anew, by the name of the first: several gradients may want it. */
  private readonly again = new Map<string, Output>();

  constructor(
    readonly name: string,
    private readonly backend: NativeBackend,
    /** TensorFlow itself: `backend.binding` is the tracer meanwhile. */
    private readonly binding: NativeBinding,
  ) {}

  /** Where a handle's value comes from; a tensor from outside becomes a constant. */
  lookUp(id: number): Output {
    const output = this.outputOf.get(id);
    if (output !== undefined) return output;
    const variable = this.outsiders.get(id);
    if (variable !== undefined) {
      throw new TracingError(
        this.name,
        `uses the variable "${variable}", which compile() was not told of`,
        "add it to `variables`",
      );
    }
    if (isSymbolic(id)) {
      throw new TracingError(
        this.name,
        "uses a value from inside a fused function outside of it, or one that it kept from another call",
        "return it from the fused function, or compute it again",
      );
    }
    const [copy] = this.binding.executeOp("Identity", [], [id], 1);
    this.binding.deleteTensor(copy.id);
    if (!isEmbeddable(copy.dtype)) {
      throw new TracingError(this.name, "uses a tensor of text from outside", "leave it out");
    }
    return this.constant(id, copy, this.binding.tensorDataSync(id) as tf.TypedArray);
  }

  /** From here on a handle stands for this output. */
  define(id: number, output: Output): void {
    this.outputOf.set(id, output);
    if (this.fusing) this.defined.push(id);
  }

  idOf(tensor: tf.TensorInfo): number {
    return this.backend.getInputTensorIds([tensor])[0];
  }

  constant(id: number, type: OutputType, values: ArrayBufferView): Output {
    if (values.byteLength > LARGEST_CONSTANT) {
      throw new TracingError(
        this.name,
        `holds a constant of shape [${type.shape}], ${values.byteLength / 2 ** 20} MiB`,
        "pass it as an input, or make it a variable and list it",
      );
    }
    const bytes = new Uint8Array(values.byteLength);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    const key =
      bytes.length > SHARED_CONSTANT
        ? `${id}`
        : `${type.dtype}[${type.shape}]${Buffer.from(bytes).toString("latin1")}`;
    let output = this.constants.get(key);
    if (output === undefined) {
      const value = { shape: [...type.shape], dtype: type.dtype, bytes };
      output = { node: this.add("Const", { outputs: [value], value }), index: 0 };
      this.constants.set(key, output);
    }
    this.define(id, output);
    this.fixed.add(id);
    return output;
  }

  note(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly Output[],
    outputs: readonly TensorMetadata[],
  ): void {
    const types = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    const node = this.add(op, { attributes, inputs, outputs: types });
    outputs.forEach(({ id }, index) => {
      this.define(id, { node, index });
    });
  }

  add(op: string, more: Partial<GraphNode>): GraphNode {
    const name = `${op}_${this.count++}`;
    const node = makeNode(name, op, this.float32Only ? { autocast: false, ...more } : more);
    this.nodes.push(node);
    return node;
  }

  controlDependency(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
    const after = this.lookUp(this.idOf(trigger)).node;
    return this.tensorOf(this.identity(this.lookUp(this.idOf(tensor)), [after]));
  }

  rematerialize(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
    if (tensor.size < REMATERIALIZED_FROM) return tensor;
    const after = this.lookUp(this.idOf(trigger)).node;
    const again = (output: Output): Output | undefined => {
      const { node, index } = output;
      const known = this.again.get(outputName(output));
      if (known !== undefined) return known;
      const [first, ...others] = node.inputs;
      const { cheap = false } = definitionOf(node.op);
      const source = cheap || node.op === "Reshape" ? again(first) : undefined;
      if (source === undefined && !cheap) return undefined;
      const inputs = [source ?? this.identity(first, [after]), ...others];
      const copy = { ...node, inputs, name: `${node.op}_${this.count++}` };
      this.nodes.push(copy);
      const result = { node: copy, index };
      this.again.set(outputName(output), result);
      return result;
    };
    const output = again(this.lookUp(this.idOf(tensor)));
    return output === undefined ? tensor : this.tensorOf(output);
  }

  withoutAutocast<T>(fn: () => T): T {
    const before = this.float32Only;
    this.float32Only = true;
    const result = fn();
    this.float32Only = before;
    return result;
  }

  identity(input: Output, after: readonly GraphNode[] = []): Output {
    const type = input.node.outputs[input.index];
    const attributes = [attribute.type("T", type.dtype)];
    const node = this.add("Identity", { attributes, inputs: [input], after, outputs: [type] });
    return { node, index: 0 };
  }

  tensorOf(output: Output): tf.Tensor {
    const metadata = this.symbolic(output.node.outputs[output.index]);
    this.define(metadata.id, output);
    return this.backend.createOutputTensor(metadata);
  }

  /** What `fn` computes as a call of a function of its own; within another one, its ops. */
  fused<T extends tf.Tensor>(fn: () => T): T {
    if (this.fusing) return fn();
    const { nodes, constants } = this;
    Object.assign(this, { nodes: [], constants: new Map(), fusing: true, defined: [] });
    const result = this.withoutAutocast(fn);
    const inside = this.nodes;
    Object.assign(this, { nodes, constants, fusing: false });
    this.checkFused(inside);
    const { body, inputs } = bodyOf(inside, this.lookUp(this.idOf(result)));
    // Nothing outside may refer to what is inside, a constant that was first met there for example.
    const own = new Set(inside);
    for (const id of this.defined) {
      const output = this.outputOf.get(id);
      if (output !== undefined && own.has(output.node)) this.outputOf.delete(id);
    }
    const outputs = body.outputs.map(({ node, index }) => node.outputs[index]);
    const node = this.add("PartitionedCall", { inputs, outputs, body });
    this.define(this.idOf(result), { node, index: 0 });
    return result;
  }

  private checkFused(nodes: readonly GraphNode[]): void {
    const bad = nodes.find(({ op }) => definitionOf(op).output === undefined);
    if (bad === undefined) return;
    const names = Object.keys(OPS).filter((op) => OPS[op].output !== undefined);
    throw new TracingError(
      this.name,
      `has ${bad.op} in a fused function, which one kernel cannot hold`,
      `compute it outside of fused(); inside may be ${names.join(", ")}`,
    );
  }

  /** What tfjs takes for a tensor of this shape; TensorFlow knows nothing of it. */
  symbolic({ shape, dtype }: OutputType): TensorMetadata {
    return { id: --lastSymbolic, shape: [...shape], dtype };
  }

  zeros({ shape, dtype }: OutputType): number {
    const sizes = this.binding.createTensor([shape.length], DT.int32, Int32Array.from(shape));
    const attributes = [attribute.type("dtype", dtype), attribute.bool("init", true)];
    const [{ id }] = this.binding.executeOp("Empty", attributes, [sizes], 1);
    this.binding.deleteTensor(sizes);
    return id;
  }
}
