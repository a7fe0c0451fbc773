import * as tf from "@tensorflow/tfjs-core";
import type { TensorFunction } from "../compile";
import type { OutputType } from "../native";
import { type Attribute, attribute, DT, dtypeNumber } from "../native";
import type { Precision } from "../start";
import type { Tracer } from "../trace";
import type { NativeBackend, NativeBinding, TensorMetadata } from "./binding";
import type { Trace } from "./function-trace";
import type { GraphNode, Output } from "./graph";
import { inferOutputs } from "./op-table";
import { FUSED_FROM } from "./passes/fuse-elementwise";
import { disabledPasses } from "./passes/registry";
import type { Operand } from "./shape-rules";
import { guard, TracingError } from "./trace-guard";
import { isSymbolic, TraceNodes } from "./trace-nodes";
import { TraceVariables } from "./trace-variables";

/** Ops that draw numbers from a hidden state, so that a graph would not repeat them. */
const HIDDEN_STATE = /^(Random|Multinomial|TruncatedNormal|ParameterizedTruncatedNormal)/;

/** Stands between tfjs and TensorFlow while one function runs once, and notes what it does. */
export class GraphTracer implements Tracer {
  readonly nodes: TraceNodes;
  readonly variables: TraceVariables;
  private readonly binding: NativeBinding;

  constructor(
    readonly name: string,
    private readonly backend: NativeBackend,
    private readonly handles: ReadonlyMap<tf.Variable, GraphNode>,
    private readonly infer: boolean,
    private readonly portable: boolean,
    readonly precision: Precision,
    private readonly own: ReadonlyMap<string, number>,
  ) {
    this.binding = backend.binding;
    this.nodes = new TraceNodes(name, backend, this.binding);
    this.variables = new TraceVariables(this.nodes, backend, handles);
  }

  run(fn: TensorFunction, inputs: readonly tf.Tensor[]): Trace {
    const saved = [...this.handles.keys()].map((variable) => {
      return { variable, value: tf.keep(variable.clone()) };
    });
    // Symbolic tensors: an own tensor for each input and variable, even where two share their values.
    const symbolics = inputs.map(({ shape, dtype }) =>
      tf.keep(
        this.backend.createOutputTensor(this.nodes.symbolic({ shape, dtype: dtypeNumber(dtype) })),
      ),
    );
    const release = guard(this.backend, this);
    this.intercept();
    try {
      const placeholders = symbolics.map((symbolic, i) => this.placeholder(symbolic, i));
      this.variables.begin();
      let outputs: Output[] = [];
      let many = false;
      tf.tidy(() => {
        const result = fn(...symbolics);
        many = Array.isArray(result);
        outputs = (Array.isArray(result) ? result : [result]).map((value) => this.result(value));
        this.variables.finish();
      });
      this.variables.refuseNewVariables();
      const { nodes } = this.nodes;
      return { nodes, inputs: placeholders, outputs, many, ...this.variables.changes };
    } finally {
      this.backend.binding = this.binding;
      const late = release();
      for (const { variable, value } of saved) {
        variable.assign(value);
        value.dispose();
      }
      for (const symbolic of symbolics) symbolic.dispose();
      // biome-ignore lint/correctness/noUnsafeFinally: it comes before whatever followed from it
      if (late !== undefined) throw late;
    }
  }

  fixedValues(dataId: object): tf.BackendValues | undefined {
    const id = this.nodes.idOf({ dataId } as tf.TensorInfo);
    this.nodes.lookUp(id);
    return this.nodes.fixed.has(id) ? this.binding.tensorDataSync(id) : undefined;
  }

  graphOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.Tensor[],
    outputs: readonly OutputType[],
  ): tf.Tensor[] | undefined {
    if (this.portable) return undefined;
    const sources = inputs.map((tensor) => this.nodes.lookUp(this.nodes.idOf(tensor)));
    const symbolics = outputs.map(({ shape, dtype }) => this.nodes.symbolic({ shape, dtype }));
    this.nodes.note(op, attributes, sources, symbolics);
    return symbolics.map((metadata) => this.backend.createOutputTensor(metadata));
  }

  coresOf(op: string): number | undefined {
    return this.own.get(op);
  }

  update(
    op: string,
    attributes: readonly Attribute[],
    variables: readonly tf.Variable[],
    inputs: readonly tf.Tensor[],
  ): void {
    this.variables.update(op, attributes, variables, inputs);
  }

  controlDependency(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
    return this.nodes.controlDependency(tensor, trigger);
  }

  rematerialize(tensor: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
    return this.nodes.rematerialize(tensor, trigger);
  }

  fused<T extends tf.Tensor>(fn: () => T): T {
    return this.fuses ? this.nodes.fused(fn) : fn();
  }

  isFusing(elements: number): boolean {
    const on = !disabledPasses().has("fuse-elementwise");
    return this.fuses && on && elements >= FUSED_FROM;
  }

  withoutAutocast<T extends tf.Tensor>(fn: () => T): T {
    return this.nodes.withoutAutocast(fn);
  }

  private get fuses(): boolean {
    return !this.portable;
  }

  /** Put this tracer between tfjs and TensorFlow. */
  private intercept(): void {
    const refuse = () => {
      throw new TracingError(this.name, "runs another compiled function", "call that one outside");
    };
    // The binding's methods are not writable, so the symbolic tensor inherits from it.
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
      throw new TracingError(
        this.name,
        `uses ${op}, whose state a graph does not keep`,
        "use statelessUniform or statelessNormal with a seed that is an input",
      );
    }
    const sources = inputs.map((id) => this.nodes.lookUp(id));
    const fixed = inputs.every((id) => this.nodes.fixed.has(id));
    const outputs =
      (fixed || !this.infer ? undefined : this.inferred(op, attributes, inputs, count)) ??
      this.computed(op, attributes, inputs, count);
    const [source] = sources;
    // tfjs casts to be sure; in bfloat16 a cast from float32 to float32 would be one to float32.
    if (op === "Cast" && source.node.outputs[source.index].dtype === outputs[0].dtype) {
      this.nodes.note("Identity", [attribute.type("T", outputs[0].dtype)], sources, outputs);
    } else this.nodes.note(op, complete(op, attributes, outputs), sources, outputs);
    if (fixed) for (const { id } of outputs) this.nodes.fixed.add(id);
    return outputs;
  }

  /** Symbolic tensors for the results of an op whose shapes follow from its operands'. */
  private inferred(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    count: number,
  ): TensorMetadata[] | undefined {
    const operands = inputs.map((id): Operand => {
      const { node, index } = this.nodes.lookUp(id);
      const type = node.outputs[index];
      const small = type.dtype === DT.int32 && this.nodes.fixed.has(id);
      return small ? { ...type, values: this.binding.tensorDataSync(id) as tf.TypedArray } : type;
    });
    const types = inferOutputs(op, attributes, operands);
    if (types === undefined || types.length < count) return undefined;
    return types.slice(0, count).map((type) => this.nodes.symbolic(type));
  }

  /** Run an op for its results' shapes; where an operand is a symbolic tensor, on zeros. */
  private computed(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    count: number,
  ): TensorMetadata[] {
    const zeros = new Map<number, number>();
    for (const id of inputs) {
      const { node, index } = this.nodes.lookUp(id);
      if (isSymbolic(id)) zeros.set(id, this.nodes.zeros(node.outputs[index]));
    }
    try {
      const operands = inputs.map((id) => zeros.get(id) ?? id);
      return this.binding.executeOp(op, attributes, operands, count);
    } finally {
      for (const id of zeros.values()) this.binding.deleteTensor(id);
    }
  }

  private createTensor(shape: number[], dtype: number, values: tf.BackendValues): number {
    if (!ArrayBuffer.isView(values))
      throw new TracingError(this.name, "makes a text", "make it outside");
    const id = this.binding.createTensor(shape, dtype, values);
    this.nodes.constant(id, { shape, dtype }, values);
    return id;
  }

  private result(value: unknown): Output {
    if (value instanceof tf.Tensor) {
      const output = this.nodes.lookUp(this.nodes.idOf(value));
      // A session does not fetch what it is fed.
      return output.node.op === "Placeholder" ? this.nodes.identity(output) : output;
    }
    throw new TracingError(
      this.name,
      value instanceof Promise ? "is asynchronous" : "returns something that is not a tensor",
      "return a tensor, or an array of tensors",
    );
  }

  private placeholder(symbolic: tf.Tensor, i: number): GraphNode {
    const type = { shape: symbolic.shape, dtype: dtypeNumber(symbolic.dtype) };
    const shape = attribute.shape("shape", type.shape);
    const attributes = [attribute.type("dtype", type.dtype), shape];
    const node = this.nodes.add("Placeholder", { name: `input${i}`, attributes, outputs: [type] });
    this.nodes.define(this.nodes.idOf(symbolic), { node, index: 0 });
    return node;
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
