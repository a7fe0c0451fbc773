import * as tf from "@tensorflow/tfjs-core";
import { isAway } from "./away";
import { bodyOf } from "./body";
import { type GraphNode, isEmbeddable, makeNode, type Output, type OutputType } from "./graph";
import {
  ATTRIBUTE,
  type Attribute,
  attribute,
  DT,
  dtypeNumber,
  type NativeBackend,
  type NativeBinding,
  nativeBackend,
  type TensorMetadata,
} from "./native";
import type { Recording, TensorFunction } from "./recording";
import { guard, refusal } from "./recording-guard";
import { inferShapes, type Operand } from "./shapes";

/** A tensor from outside that a recorded function may embed, in bytes. */
const LARGEST_CONSTANT = 64 * 2 ** 20;

/** Equal constants up to this many bytes share a node. */
const SHARED_CONSTANT = 4096;

/** Ops that draw numbers from a hidden state, so that a graph would not repeat them. */
const HIDDEN_STATE = /^(Random|Multinomial|TruncatedNormal|ParameterizedTruncatedNormal)/;

/** Ops that cost little beside the memory that their results take. */
const CHEAP: ReadonlySet<string> = new Set(["PartitionedCall", "_MklLayerNorm"]);

let active: Recorder | undefined;

/**
 * Run `fn` once on stand-ins for its inputs and variables and note every op that it executes.
 *
 * Nothing outside changes: variables have the values they had before.
 *
 * @param handles The variables that `fn` may use, each with its `VarHandleOp`.
 * @param options.infer Compute nothing of which the shape is known; default true.
 * @param options.portable Leave out the ops that only this machine's kind of TensorFlow has.
 * @throws UserError when the function does what a graph cannot: read a tensor's values, draw random
 * numbers outside the stateless ops, make variables, run another compiled function.
 */
export function record(
  name: string,
  fn: TensorFunction,
  inputs: readonly tf.Tensor[],
  handles: ReadonlyMap<tf.Variable, GraphNode>,
  options: { readonly infer?: boolean; readonly portable?: boolean } = {},
): Recording {
  const backend = nativeBackend();
  if (backend === undefined) throw new Error("only the native engine records");
  if (active !== undefined) {
    throw refusal(active.name, `calls "${name}", which is compiled too`, "call that one outside");
  }
  const { infer = true, portable = false } = options;
  active = new Recorder(name, backend, handles, infer, portable);
  try {
    return active.run(fn, inputs);
  } finally {
    active = undefined;
  }
}

/**
 * Put an op into the recording without running it: for ops that TensorFlow knows in graphs only, and
 * not on every machine.
 *
 * @returns its outputs, or nothing when no recording goes on, or one for other machines.
 */
export function recordedOp(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.Tensor[],
  outputs: readonly OutputType[],
): tf.Tensor[] | undefined {
  return active?.graphOp(op, attributes, inputs, outputs);
}

/**
 * Put an op into the recording that changes variables in place, such as `ResourceApplyAdam`. Its
 * operands are the variables' handles and after them `inputs`.
 *
 * @returns false when no recording goes on: then the caller computes and assigns by itself.
 */
export function recordedUpdate(
  op: string,
  attributes: readonly Attribute[],
  variables: readonly tf.Variable[],
  inputs: readonly tf.Tensor[],
): boolean {
  active?.update(op, attributes, variables, inputs);
  return active !== undefined;
}

/**
 * The same tensors, in the recording not before `trigger` is there.
 *
 * What a gradient computes anew from these is then computed when it is wanted. Otherwise TensorFlow
 * would merge it with the equal ops of the forward pass, or run it early, and hold the results.
 */
export function heldBack(tensors: readonly tf.Tensor[], trigger: tf.Tensor): tf.Tensor[] {
  return tensors.map((tensor) => active?.heldBack(tensor, trigger) ?? tensor);
}

/**
 * The same tensor, in the recording computed anew after `trigger` where one cheap op made it, so that
 * it need not be held until then.
 */
export function recomputed(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
  return active?.recomputed(tensor, trigger) ?? tensor;
}

/**
 * Have TensorFlow compile whatever `fn` computes, element by element, into one kernel (XLA's), in a
 * recording on the CPU; elsewhere its ops run one by one.
 *
 * It reads and writes each tensor once, and computes in float32 whatever the format of its operands.
 * Its sums are slow: leave them outside.
 */
export function fused<T extends tf.Tensor>(fn: () => T): T {
  return active?.fused(fn) ?? fn();
}

/** Compute what `fn` computes in float32, also where the rest is in bfloat16. */
export function inFloat32<T extends tf.Tensor>(fn: () => T): T {
  return active?.exactly(fn) ?? fn();
}

/** A variable while a function is recorded. */
interface VariableState {
  readonly handle: GraphNode;
  /** Handle of the tensor that is the variable's value in the graph as far as recorded. */
  id: number;
  /** Reads since the last change, which the next one must wait for. */
  reads: GraphNode[];
  /** The last change. */
  writer?: GraphNode;
}

class Recorder {
  private nodes: GraphNode[] = [];
  private readonly outputOf = new Map<number, Output>();
  private exact = false;
  private constants = new Map<string, Output>();
  /** Handles whose values do not depend on any input, so that reading them is harmless. */
  private readonly fixed = new Set<number>();
  /** Handles of tensors that stand in for ones that are not computed. */
  private readonly standIns = new Set<number>();
  private readonly binding: NativeBinding;
  /** Variables that the function was not said to use, by handle. */
  private readonly outsiders = new Map<number, string>();
  private readonly states = new Map<tf.Variable, VariableState>();

  constructor(
    readonly name: string,
    private readonly backend: NativeBackend,
    private readonly handles: ReadonlyMap<tf.Variable, GraphNode>,
    private readonly infer: boolean,
    private readonly portable: boolean,
  ) {
    this.binding = backend.binding;
  }

  run(fn: TensorFunction, inputs: readonly tf.Tensor[]): Recording {
    this.noteOutsiders();
    const saved = [...this.handles.keys()].map((variable) => {
      return { variable, value: tf.keep(variable.clone()) };
    });
    // Stand-ins: an own tensor for each input and variable, even where two share their values.
    const standIns = inputs.map(({ shape, dtype }) =>
      tf.keep(this.backend.createOutputTensor(this.standIn({ shape, dtype: dtypeNumber(dtype) }))),
    );
    const known = new Set(Object.keys(tf.engine().registeredVariables));
    const release = guard(this.backend, this);
    this.intercept();
    try {
      const placeholders = standIns.map((standIn, i) => this.placeholder(standIn, i));
      for (const [variable, handle] of this.handles) {
        this.states.set(variable, { handle, id: -1, reads: [] });
        this.read(variable);
      }
      let outputs: Output[] = [];
      let many = false;
      tf.tidy(() => {
        const result = fn(...standIns);
        many = Array.isArray(result);
        outputs = (Array.isArray(result) ? result : [result]).map((value) => this.result(value));
        for (const variable of this.handles.keys()) this.flush(variable);
      });
      this.refuseNewVariables(known);
      const effects = [...this.states.values()].flatMap(({ writer }) => writer ?? []);
      const changed = [...this.states].flatMap(([key, { writer }]) => (writer ? [key] : []));
      return { nodes: this.nodes, inputs: placeholders, outputs, effects, changed, many };
    } finally {
      this.backend.binding = this.binding;
      const late = release();
      for (const { variable, value } of saved) {
        variable.assign(value);
        value.dispose();
      }
      for (const standIn of standIns) standIn.dispose();
      // biome-ignore lint/correctness/noUnsafeFinally: it comes before whatever followed from it
      if (late !== undefined) throw late;
    }
  }

  fixedValues(dataId: object): tf.BackendValues | undefined {
    const id = this.idOf({ dataId } as tf.TensorInfo);
    this.lookUp(id);
    return this.fixed.has(id) ? this.binding.tensorDataSync(id) : undefined;
  }

  graphOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.Tensor[],
    outputs: readonly OutputType[],
  ): tf.Tensor[] | undefined {
    if (this.portable) return undefined;
    const sources = inputs.map((tensor) => this.lookUp(this.idOf(tensor)));
    const standIns = outputs.map(({ shape, dtype }) => this.standIn({ shape, dtype }));
    this.note(op, attributes, sources, standIns);
    return standIns.map((metadata) => this.backend.createOutputTensor(metadata));
  }

  heldBack(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
    const after = this.lookUp(this.idOf(trigger)).node;
    return this.tensorOf(this.identity(this.lookUp(this.idOf(tensor)), [after]));
  }

  recomputed(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
    const after = this.lookUp(this.idOf(trigger)).node;
    const again = ({ node, index }: Output): Output | undefined => {
      const [first, ...others] = node.inputs;
      const source = node.op === "Reshape" ? again(first) : undefined;
      if (source === undefined && !CHEAP.has(node.op)) return undefined;
      const inputs = [source ?? this.identity(first, [after]), ...others];
      const copy = { ...node, inputs, name: `${node.op}_${this.nodes.length}` };
      this.nodes.push(copy);
      return { node: copy, index };
    };
    const output = again(this.lookUp(this.idOf(tensor)));
    return output === undefined ? tensor : this.tensorOf(output);
  }

  exactly<T>(fn: () => T): T {
    const { exact } = this;
    this.exact = true;
    const result = fn();
    this.exact = exact;
    return result;
  }

  private identity(input: Output, after: readonly GraphNode[] = []): Output {
    const type = input.node.outputs[input.index];
    const attributes = [attribute.type("T", type.dtype)];
    const node = this.add("Identity", { attributes, inputs: [input], after, outputs: [type] });
    return { node, index: 0 };
  }

  private tensorOf(output: Output): tf.Tensor {
    const metadata = this.standIn(output.node.outputs[output.index]);
    this.outputOf.set(metadata.id, output);
    return this.backend.createOutputTensor(metadata);
  }

  fused<T extends tf.Tensor>(fn: () => T): T | undefined {
    if (this.portable || this.backend.isUsingGpuDevice) return undefined;
    const { nodes, constants } = this;
    this.nodes = [];
    this.constants = new Map();
    const result = fn();
    const { body, inputs } = bodyOf(this.nodes, this.lookUp(this.idOf(result)));
    Object.assign(this, { nodes, constants });
    const outputs = body.outputs.map(({ node, index }) => node.outputs[index]);
    const node = this.add("PartitionedCall", { inputs, outputs, body });
    this.outputOf.set(this.idOf(result), { node, index: 0 });
    return result;
  }

  update(
    op: string,
    attributes: readonly Attribute[],
    variables: readonly tf.Variable[],
    inputs: readonly tf.Tensor[],
  ): void {
    for (const variable of variables) this.flush(variable);
    const states = variables.map((variable) => this.stateOf(variable));
    const sources = inputs.map((tensor) => this.lookUp(this.idOf(tensor)));
    const node = this.add(op, {
      attributes,
      inputs: [...states.map(({ handle }) => ({ node: handle, index: 0 })), ...sources],
      after: states.flatMap(({ reads, writer }) => (writer ? [...reads, writer] : reads)),
    });
    variables.forEach((variable, i) => {
      Object.assign(states[i], { writer: node, reads: [] });
      this.read(variable);
    });
  }

  /** Put this recorder between tfjs and TensorFlow. */
  private intercept(): void {
    const refuse = () => {
      throw refusal(this.name, "runs another compiled function", "call that one outside");
    };
    // The binding's methods are not writable, so the stand-in inherits from it.
    this.backend.binding = Object.create(this.binding, {
      executeOp: { value: this.executeOp.bind(this) },
      createTensor: { value: this.createTensor.bind(this) },
      runSavedModel: { value: refuse },
      loadSavedModel: { value: refuse },
    });
  }

  private executeOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    count: number,
  ): TensorMetadata[] {
    if (HIDDEN_STATE.test(op)) {
      throw refusal(
        this.name,
        `uses ${op}, whose state a graph does not keep`,
        "use statelessUniform or statelessNormal with a seed that is an input",
      );
    }
    const sources = inputs.map((id) => this.lookUp(id));
    const fixed = inputs.every((id) => this.fixed.has(id));
    const outputs =
      (fixed || !this.infer ? undefined : this.inferred(op, attributes, inputs, count)) ??
      this.computed(op, attributes, inputs, count);
    this.note(op, complete(op, attributes, outputs), sources, outputs);
    if (fixed) for (const { id } of outputs) this.fixed.add(id);
    return outputs;
  }

  /** Stand-ins for the results of an op whose shapes follow from its operands'. */
  private inferred(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    count: number,
  ): TensorMetadata[] | undefined {
    const operands = inputs.map((id): Operand => {
      const { node, index } = this.lookUp(id);
      const type = node.outputs[index];
      const small = type.dtype === DT.int32 && this.fixed.has(id);
      return small ? { ...type, values: this.binding.tensorDataSync(id) as tf.TypedArray } : type;
    });
    if (!operands.some(({ dtype }) => dtype === DT.float32)) return undefined;
    const shapes = inferShapes(op, attributes, operands);
    if (shapes === undefined || shapes.length < count) return undefined;
    return shapes.slice(0, count).map((shape) => this.standIn({ shape, dtype: DT.float32 }));
  }

  /** Run an op for its results' shapes; where an operand is a stand-in, on zeros. */
  private computed(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    count: number,
  ): TensorMetadata[] {
    const zeros = new Map<number, number>();
    for (const id of inputs) {
      const { node, index } = this.lookUp(id);
      if (this.standIns.has(id)) zeros.set(id, this.zeros(node.outputs[index]));
    }
    try {
      const operands = inputs.map((id) => zeros.get(id) ?? id);
      return this.binding.executeOp(op, attributes, operands, count);
    } finally {
      for (const id of zeros.values()) this.binding.deleteTensor(id);
    }
  }

  private createTensor(shape: number[], dtype: number, values: tf.BackendValues): number {
    if (!ArrayBuffer.isView(values)) throw refusal(this.name, "makes a text", "make it outside");
    const id = this.binding.createTensor(shape, dtype, values);
    this.constant(id, { shape, dtype }, values);
    return id;
  }

  /** Where a handle's value comes from; a tensor from outside becomes a constant. */
  private lookUp(id: number): Output {
    const output = this.outputOf.get(id);
    if (output !== undefined) return output;
    const variable = this.outsiders.get(id);
    if (variable !== undefined) {
      throw refusal(
        this.name,
        `uses the variable "${variable}", which compile() was not told of`,
        "add it to `variables`",
      );
    }
    const [copy] = this.binding.executeOp("Identity", [], [id], 1);
    this.binding.deleteTensor(copy.id);
    if (!isEmbeddable(copy.dtype)) {
      throw refusal(this.name, "uses a tensor of text from outside", "leave it out");
    }
    return this.constant(id, copy, this.binding.tensorDataSync(id) as tf.TypedArray);
  }

  private result(value: unknown): Output {
    if (value instanceof tf.Tensor) {
      const output = this.lookUp(this.idOf(value));
      // A session does not fetch what it is fed.
      return output.node.op === "Placeholder" ? this.identity(output) : output;
    }
    throw refusal(
      this.name,
      value instanceof Promise ? "is asynchronous" : "returns something that is not a tensor",
      "return a tensor, or an array of tensors",
    );
  }

  private idOf(tensor: tf.TensorInfo): number {
    return this.backend.getInputTensorIds([tensor])[0];
  }

  private constant(id: number, type: OutputType, values: ArrayBufferView): Output {
    if (values.byteLength > LARGEST_CONSTANT) {
      throw refusal(
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
    this.outputOf.set(id, output);
    this.fixed.add(id);
    return output;
  }

  private placeholder(standIn: tf.Tensor, i: number): GraphNode {
    const type = { shape: standIn.shape, dtype: dtypeNumber(standIn.dtype) };
    const shape = { name: "shape", type: ATTRIBUTE.shape, value: type.shape };
    const attributes = [attribute.type("dtype", type.dtype), shape];
    const node = this.add("Placeholder", { name: `input${i}`, attributes, outputs: [type] });
    this.outputOf.set(this.idOf(standIn), { node, index: 0 });
    return node;
  }

  /** From here on the variable stands for its value after the last change. */
  private read(variable: tf.Variable): void {
    const state = this.stateOf(variable);
    const type = { shape: variable.shape, dtype: dtypeNumber(variable.dtype) };
    const node = this.add("ReadVariableOp", {
      attributes: [attribute.type("dtype", type.dtype)],
      inputs: [{ node: state.handle, index: 0 }],
      after: state.writer === undefined ? [] : [state.writer],
      outputs: [type],
    });
    const standIn = this.backend.createOutputTensor(this.standIn(type));
    variable.assign(standIn);
    standIn.dispose();
    state.reads.push(node);
    state.id = this.idOf(variable);
    this.outputOf.set(state.id, { node, index: 0 });
  }

  /** If the variable was assigned to, have the graph do it. */
  private flush(variable: tf.Variable): void {
    const state = this.stateOf(variable);
    const id = this.idOf(variable);
    if (id === state.id) return;
    state.writer = this.add("AssignVariableOp", {
      attributes: [attribute.type("dtype", dtypeNumber(variable.dtype))],
      inputs: [{ node: state.handle, index: 0 }, this.lookUp(id)],
      after: state.writer ? [...state.reads, state.writer] : state.reads,
    });
    Object.assign(state, { id, reads: [] });
  }

  private stateOf(variable: tf.Variable): VariableState {
    const state = this.states.get(variable);
    if (state === undefined) {
      throw refusal(
        this.name,
        `changes the variable "${variable.name}", which compile() was not told of`,
        "add it to `variables`",
      );
    }
    return state;
  }

  private note(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly Output[],
    outputs: readonly TensorMetadata[],
  ): void {
    const types = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    const node = this.add(op, { attributes, inputs, outputs: types });
    outputs.forEach(({ id }, index) => {
      this.outputOf.set(id, { node, index });
    });
  }

  private add(op: string, more: Partial<GraphNode>): GraphNode {
    const name = `${op}_${this.nodes.length}`;
    const node = makeNode(name, op, this.exact ? { exact: true, ...more } : more);
    this.nodes.push(node);
    return node;
  }

  /** A tensor that has this shape for tfjs and holds one element: a recording needs shapes only. */
  private standIn({ shape, dtype }: OutputType): TensorMetadata {
    const values =
      dtype === DT.float32 ? Float32Array : dtype === DT.int32 ? Int32Array : Uint8Array;
    const id = this.binding.createTensor([], dtype, new values(1));
    this.standIns.add(id);
    return { id, shape: [...shape], dtype };
  }

  private zeros({ shape, dtype }: OutputType): number {
    const sizes = this.binding.createTensor([shape.length], DT.int32, Int32Array.from(shape));
    const attributes = [attribute.type("dtype", dtype), attribute.bool("init", true)];
    const [{ id }] = this.binding.executeOp("Empty", attributes, [sizes], 1);
    this.binding.deleteTensor(sizes);
    return id;
  }

  /** Variables that exist and are not listed: to use one would freeze its value unnoticed. */
  private noteOutsiders(): void {
    for (const variable of Object.values(tf.engine().registeredVariables)) {
      if (!this.handles.has(variable) && !variable.isDisposed && !isAway(variable)) {
        this.outsiders.set(this.idOf(variable), variable.name);
      }
    }
  }

  private refuseNewVariables(known: ReadonlySet<string>): void {
    const made = Object.entries(tf.engine().registeredVariables).filter(([key]) => !known.has(key));
    for (const [, variable] of made) variable.dispose();
    if (made.length > 0) {
      throw refusal(
        this.name,
        `makes a variable ("${made[0][0]}"), which would be made anew in every call`,
        "make it outside and list it in `variables`",
      );
    }
  }
}

/** tfjs-node leaves out what an eager op infers and a graph does not. */
function complete(
  op: string,
  attributes: readonly Attribute[],
  outputs: readonly OutputType[],
): readonly Attribute[] {
  const inferred = op === "ExpandDims" && !attributes.some(({ name }) => name === "T");
  return inferred ? [...attributes, attribute.type("T", outputs[0].dtype)] : attributes;
}
