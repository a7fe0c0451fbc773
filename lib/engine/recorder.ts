import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../errors";
import type { GraphNode, Output, OutputType } from "./graph";
import { isEmbeddable } from "./graph";
import {
  type Attribute,
  attribute,
  DT,
  dtypeNumber,
  type NativeBackend,
  type NativeBinding,
  nativeBackend,
  nativeOp,
  type TensorMetadata,
} from "./native";
import { inferShapes, type Operand } from "./shapes";

/** What one function does, as a TensorFlow graph. */
export interface Recording {
  readonly nodes: readonly GraphNode[];
  /** One placeholder per input. */
  readonly inputs: readonly GraphNode[];
  readonly outputs: readonly Output[];
  /** Whether the function gave an array, or one tensor. */
  readonly many: boolean;
  /** By variable: the node that stands for its value at the start; it has the op `Variable`. */
  readonly reads: ReadonlyMap<tf.Variable, GraphNode>;
  /** By variable: its value at the end, where the function assigned one. */
  readonly assigns: ReadonlyMap<tf.Variable, Output>;
}

/** A tensor from outside that a recorded function may embed, in bytes. */
const LARGEST_CONSTANT = 64 * 2 ** 20;

/** Equal constants up to this many bytes share a node. */
const SHARED_CONSTANT = 4096;

/** From this many elements on, a result is not computed while recording. */
const LARGE = 16384;

/** Ops that draw numbers from a hidden state, so that a graph would not repeat them. */
const HIDDEN_STATE = /^(Random|Multinomial|TruncatedNormal|ParameterizedTruncatedNormal)/;

let recording = false;

/**
 * Run `fn` once on stand-ins for its inputs and variables and note every op that it executes.
 *
 * Nothing outside changes: variables have the values they had before.
 *
 * @throws UserError when the function does what a graph cannot: read a tensor's values, draw random
 * numbers outside the stateless ops, make variables, run another compiled function.
 */
export function record(
  name: string,
  fn: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
  inputs: readonly tf.Tensor[],
  variables: readonly tf.Variable[],
): Recording {
  const backend = nativeBackend();
  if (backend === undefined) throw new Error("only the native engine records");
  if (recording) throw refuse(name, "calls another compiled function", "call that one outside");
  return new Recorder(name, backend, variables).run(fn, inputs);
}

function refuse(name: string, what: string, remedy: string): UserError {
  return new UserError(`the compiled function "${name}" ${what}`, remedy);
}

/** tfjs-node's own reads the indices on the host to check them; TensorFlow checks them too. */
const RECORDED_GATHER: tf.KernelConfig = {
  kernelName: "GatherV2",
  backendName: "tensorflow",
  kernelFunc: ({ inputs, attrs }) => {
    const { x, indices } = inputs as { x: tf.Tensor; indices: tf.Tensor };
    const { axis, batchDims } = attrs as { axis: number; batchDims: number };
    const attributes = [
      attribute.int("batch_dims", batchDims),
      attribute.type("Tparams", dtypeNumber(x.dtype)),
      attribute.type("Tindices", DT.int32),
      attribute.type("Taxis", DT.int32),
    ];
    return nativeOp("GatherV2", attributes, [x, indices, tf.scalar(axis, "int32")])[0];
  },
};

function swapKernel(config: tf.KernelConfig): void {
  tf.unregisterKernel(config.kernelName, config.backendName);
  tf.registerKernel(config);
}

/** tfjs-node leaves out what an eager op infers and a graph does not. */
function complete(
  op: string,
  attributes: readonly Attribute[],
  outputs: readonly OutputType[],
): Attribute[] {
  const inferred = op === "ExpandDims" && !attributes.some(({ name }) => name === "T");
  return inferred ? [...attributes, attribute.type("T", outputs[0].dtype)] : [...attributes];
}

class Recorder {
  private readonly nodes: GraphNode[] = [];
  private readonly outputOf = new Map<number, Output>();
  private readonly constants = new Map<string, Output>();
  /** Handles whose values do not depend on any input, so that reading them is harmless. */
  private readonly fixed = new Set<number>();
  private readonly binding: NativeBinding;
  private readonly outsiders = new Map<number, string>();

  constructor(
    private readonly name: string,
    private readonly backend: NativeBackend,
    private readonly variables: readonly tf.Variable[],
  ) {
    this.binding = backend.binding;
  }

  run(
    fn: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
    inputs: readonly tf.Tensor[],
  ): Recording {
    this.noteOutsiders();
    // Stand-ins: an own handle for each variable and input, even where two share their values.
    const saved = this.variables.map((variable) => tf.keep(variable.clone()));
    const standIns = inputs.map(({ shape, dtype }) =>
      tf.keep(this.backend.createOutputTensor(this.allocate(shape, dtypeNumber(dtype), true))),
    );
    const { backend } = this;
    const restore = this.wrap();
    recording = true;
    try {
      const placeholders = standIns.map((standIn, i) =>
        this.standFor(standIn, `input${i}`, "Placeholder"),
      );
      const reads = new Map<tf.Variable, GraphNode>();
      const readIds = this.variables.map((variable) => {
        const { shape, dtype } = variable;
        const standIn = backend.createOutputTensor(this.allocate(shape, dtypeNumber(dtype), false));
        variable.assign(standIn);
        standIn.dispose();
        reads.set(variable, this.standFor(variable, `read${reads.size}`, "Variable"));
        return this.idOf(variable);
      });
      const known = new Set(Object.keys(tf.engine().registeredVariables));
      let outputs: Output[] = [];
      let many = false;
      const assigns = new Map<tf.Variable, Output>();
      tf.tidy(() => {
        const result = fn(...standIns);
        many = Array.isArray(result);
        outputs = (Array.isArray(result) ? result : [result]).map((tensor) => this.look(tensor));
        this.variables.forEach((variable, i) => {
          const id = this.idOf(variable);
          if (id !== readIds[i]) assigns.set(variable, this.lookUp(id));
        });
      });
      this.refuseNewVariables(known);
      return { nodes: this.nodes, inputs: placeholders, outputs, many, reads, assigns };
    } finally {
      recording = false;
      restore();
      this.variables.forEach((variable, i) => {
        variable.assign(saved[i]);
        saved[i].dispose();
      });
      for (const standIn of standIns) standIn.dispose();
    }
  }

  /** Put this recorder between tfjs and TensorFlow. @returns how to take it away again. */
  private wrap(): () => void {
    const { backend, binding, name } = this;
    const { random } = Math;
    const { readSync, read } = backend;
    const gather = tf.getKernel("GatherV2", "tensorflow");
    swapKernel(RECORDED_GATHER);
    // The binding's methods are not writable, so the stand-in inherits from it.
    backend.binding = Object.create(binding, {
      executeOp: { value: this.executeOp.bind(this) },
      createTensor: { value: this.createTensor.bind(this) },
      runSavedModel: {
        value: () => {
          throw refuse(name, "runs another graph", "call that one outside");
        },
      },
    });
    backend.readSync = (dataId) => {
      const id = this.idOf({ dataId } as tf.TensorInfo);
      if (this.fixed.has(id)) return binding.tensorDataSync(id);
      throw refuse(
        name,
        "reads the values of a tensor (data, dataSync, array, print …)",
        "return that tensor from the function and read it outside",
      );
    };
    backend.read = async (dataId) => backend.readSync(dataId);
    Math.random = () => {
      throw refuse(
        name,
        "draws random numbers on the host, which a recording would repeat in every call",
        "use statelessUniform or statelessNormal with a seed that is an input",
      );
    };
    return () => {
      backend.binding = binding;
      backend.readSync = readSync;
      backend.read = read;
      Math.random = random;
      swapKernel(gather);
    };
  }

  private executeOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    count: number,
  ): TensorMetadata[] {
    if (HIDDEN_STATE.test(op)) {
      throw refuse(
        this.name,
        `uses ${op}, whose state a graph does not keep`,
        "use statelessUniform or statelessNormal with a seed that is an input",
      );
    }
    const sources = inputs.map((id) => this.lookUp(id));
    const outputs =
      this.standInFor(op, attributes, inputs, count) ??
      this.binding.executeOp(op, attributes, inputs, count);
    const node: GraphNode = {
      name: `${op}_${this.nodes.length}`,
      op,
      attributes: complete(op, attributes, outputs),
      inputs: sources,
      after: [],
      outputs: outputs.map(({ shape, dtype }) => ({ shape, dtype })),
    };
    this.nodes.push(node);
    const fixed = inputs.every((id) => this.fixed.has(id));
    outputs.forEach(({ id }, index) => {
      this.outputOf.set(id, { node, index });
      if (fixed) this.fixed.add(id);
    });
    return outputs;
  }

  /**
   * Memory in place of the result of a large op, neither computed nor touched: a recording needs
   * shapes only.
   */
  private standInFor(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    count: number,
  ): TensorMetadata[] | undefined {
    const operands = inputs.map((id): Operand => {
      const { node, index } = this.lookUp(id);
      const type = node.outputs[index];
      const small = type.dtype === DT.int32 && this.fixed.has(id);
      return small ? { ...type, values: this.binding.tensorDataSync(id) } : type;
    });
    if (operands[0]?.dtype !== DT.float32 && !op.includes("Backprop")) return undefined;
    const shapes = inferShapes(op, attributes, operands);
    if (shapes === undefined || shapes.length < count) return undefined;
    const size = shapes[0].reduce((a, b) => a * b, 1);
    if (size < LARGE) return undefined;
    return shapes.slice(0, count).map((shape) => this.allocate(shape, DT.float32, false));
  }

  private createTensor(shape: number[], dtype: number, values: tf.BackendValues): number {
    const id = this.binding.createTensor(shape, dtype, values);
    if (!ArrayBuffer.isView(values)) {
      throw refuse(this.name, "makes a tensor of text", "make it outside");
    }
    this.constant(id, { shape, dtype }, values as Uint8Array);
    return id;
  }

  /** Where a handle's value comes from; a tensor from outside becomes a constant. */
  private lookUp(id: number): Output {
    const output = this.outputOf.get(id);
    if (output !== undefined) return output;
    const variable = this.outsiders.get(id);
    if (variable !== undefined) {
      throw refuse(
        this.name,
        `uses the variable "${variable}", which compile() was not told of`,
        "add it to `variables`",
      );
    }
    const [copy] = this.binding.executeOp("Identity", [], [id], 1);
    this.binding.deleteTensor(copy.id);
    if (!isEmbeddable(copy.dtype)) {
      throw refuse(this.name, "uses a tensor of text from outside", "leave it out");
    }
    return this.constant(id, copy, this.binding.tensorDataSync(id));
  }

  private look(tensor: tf.TensorInfo): Output {
    return this.lookUp(this.idOf(tensor));
  }

  private idOf(tensor: tf.TensorInfo): number {
    return this.backend.getInputTensorIds([tensor])[0];
  }

  private constant(id: number, type: OutputType, values: ArrayBufferView): Output {
    if (values.byteLength > LARGEST_CONSTANT) {
      throw refuse(
        this.name,
        `holds a constant of shape [${type.shape}], ${values.byteLength / 2 ** 20} MiB`,
        "pass it as an input, or make it a variable and list it",
      );
    }
    const bytes = new Uint8Array(
      values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength) as ArrayBuffer,
    );
    const key =
      bytes.length > SHARED_CONSTANT
        ? undefined
        : `${type.dtype}[${type.shape}]${Buffer.from(bytes).toString("latin1")}`;
    let output = key === undefined ? undefined : this.constants.get(key);
    if (output === undefined) {
      const value = { shape: [...type.shape], dtype: type.dtype, bytes };
      output = {
        node: this.add(`Const_${this.nodes.length}`, "Const", value, { value }),
        index: 0,
      };
      if (key !== undefined) this.constants.set(key, output);
    }
    this.outputOf.set(id, output);
    this.fixed.add(id);
    return output;
  }

  private standFor(tensor: tf.Tensor, name: string, op: string): GraphNode {
    const type = { shape: tensor.shape, dtype: dtypeNumber(tensor.dtype) };
    const attributes =
      op === "Placeholder"
        ? [attribute.type("dtype", type.dtype), { name: "shape", type: 5, value: type.shape }]
        : [];
    const node = this.add(name, op, type, { attributes });
    const id = this.idOf(tensor);
    this.outputOf.set(id, { node, index: 0 });
    this.fixed.delete(id);
    return node;
  }

  private add(
    name: string,
    op: string,
    type: OutputType,
    more: Partial<GraphNode> = {},
  ): GraphNode {
    const node = { name, op, attributes: [], inputs: [], after: [], outputs: [type], ...more };
    this.nodes.push(node);
    return node;
  }

  /** A tensor of its own, made without the recording's notice; zeros, or whatever was there. */
  private allocate(shape: readonly number[], dtype: number, zeros: boolean): TensorMetadata {
    const sizes = this.binding.createTensor([shape.length], DT.int32, Int32Array.from(shape));
    const attributes = [attribute.type("dtype", dtype), attribute.bool("init", zeros)];
    const [metadata] = this.binding.executeOp("Empty", attributes, [sizes], 1);
    this.binding.deleteTensor(sizes);
    return metadata;
  }

  /** Variables that exist and are not listed: to use one would freeze its value unnoticed. */
  private noteOutsiders(): void {
    const listed = new Set(this.variables);
    for (const variable of Object.values(tf.engine().registeredVariables)) {
      if (!listed.has(variable) && !variable.isDisposed) {
        this.outsiders.set(this.idOf(variable), variable.name);
      }
    }
  }

  private refuseNewVariables(known: ReadonlySet<string>): void {
    const made = Object.entries(tf.engine().registeredVariables).filter(([key]) => !known.has(key));
    for (const [, variable] of made) variable.dispose();
    if (made.length > 0) {
      throw refuse(
        this.name,
        `makes a variable ("${made[0][0]}"), which would be made anew in every call`,
        "make it outside and list it in `variables`",
      );
    }
  }
}
