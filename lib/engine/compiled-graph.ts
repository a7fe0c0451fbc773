import type * as tf from "@tensorflow/tfjs-core";
import type { TensorFunction } from "./compile";
import { type GraphNode, type Output, outputName } from "./graph";
import { attribute, DT, dtypeNumber } from "./native";
import { withPrecision } from "./precision";
import { type Recording, record } from "./recorder";
import { Session } from "./session";
import type { Precision } from "./start";

/** How many recordings one graph holds; the one used longest ago makes room. */
const MOST_RECORDINGS = 16;

/** What a session must be fed and asked for to run one recording. */
interface Runnable {
  readonly recording: Recording;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}

/** The variable's nodes in the graph. */
interface VariableNodes {
  readonly handle: GraphNode;
  readonly read: GraphNode;
  readonly fed: GraphNode;
}

/** The recordings of several functions over the same variables, in one TensorFlow session. */
export class CompiledGraph {
  /** By function and signature, in the order of their last use. */
  private readonly recordings = new Map<string, Recording>();
  private runnables = new Map<string, Runnable>();
  private readonly variableNodes: readonly VariableNodes[];
  private session: Session | undefined;
  private disposed = false;

  constructor(
    private readonly functions: Readonly<Record<string, TensorFunction>>,
    private readonly variables: readonly tf.Variable[],
    private readonly precision: Precision,
  ) {
    this.variableNodes = variables.map(makeVariable);
  }

  call(name: string, inputs: readonly tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    if (this.disposed) throw new Error(`"${name}" was called after dispose()`);
    const key = `${name}(${inputs.map((x) => `${x.dtype}[${x.shape}]`).join(",")})`;
    let recording = this.recordings.get(key);
    if (recording === undefined) {
      recording = withPrecision(
        record(name, this.functions[name], inputs, this.variables),
        this.precision,
      );
      this.recordings.set(key, recording);
      this.rebuild();
    } else {
      this.recordings.delete(key);
      this.recordings.set(key, recording);
    }
    const runnable = this.runnables.get(key);
    if (this.session === undefined || runnable === undefined) throw new Error("no session");
    const results = this.session.run(inputs, runnable.inputNames, runnable.outputNames);
    // The last one fetched only makes the assignments run.
    results.pop()?.dispose();
    return recording.many ? results : results[0];
  }

  pull(): void {
    if (this.session === undefined) return;
    const values = this.fetchVariables(this.session);
    this.variables.forEach((variable, i) => {
      variable.assign(values[i]);
      values[i].dispose();
    });
  }

  push(): void {
    if (this.session !== undefined) this.feedVariables(this.session, this.variables);
  }

  dispose(): void {
    this.disposed = true;
    this.session?.close();
    this.session = undefined;
    this.recordings.clear();
  }

  /** A new session that holds all recordings; the variables' values move over. */
  private rebuild(): void {
    for (const key of this.recordings.keys()) {
      if (this.recordings.size <= MOST_RECORDINGS) break;
      this.recordings.delete(key);
    }
    const nodes: GraphNode[] = [];
    const pushes = this.variableNodes.map((v, i) => {
      const assign = assignTo(`push${i}`, v.handle, { node: v.fed, index: 0 }, []);
      nodes.push(v.handle, v.read, v.fed, assign);
      return assign;
    });
    nodes.push(...doneAfter("push", pushes));
    const runnables = new Map<string, Runnable>();
    let count = 0;
    for (const [key, recording] of this.recordings) {
      runnables.set(key, this.place(`f${count++}`, recording, nodes));
    }
    const session = new Session(nodes);
    const values = this.session === undefined ? undefined : this.fetchVariables(this.session);
    this.feedVariables(session, values ?? this.variables);
    values?.forEach((value) => {
      value.dispose();
    });
    this.session?.close();
    this.session = session;
    this.runnables = runnables;
  }

  /** Copy a recording's nodes into the graph, under a name of their own. */
  private place(prefix: string, recording: Recording, nodes: GraphNode[]): Runnable {
    const placed = new Map<GraphNode, GraphNode>();
    const moved = ({ node, index }: Output): Output => {
      const there = placed.get(node);
      if (there === undefined) throw new Error(`${node.name} is used before it is made`);
      return { node: there, index };
    };
    const readers = new Map(
      [...recording.reads].map(([variable, node]) => [node, this.variables.indexOf(variable)]),
    );
    for (const node of recording.nodes) {
      const name = `${prefix}/${node.name}`;
      const variable = readers.get(node);
      const copy =
        variable === undefined
          ? { ...node, name, inputs: node.inputs.map(moved) }
          : readOf(name, this.variableNodes[variable].handle);
      placed.set(node, copy);
      nodes.push(copy);
    }
    const assigns = [...recording.assigns].map(([variable, value], i) => {
      const reader = recording.reads.get(variable);
      const { handle } = this.variableNodes[this.variables.indexOf(variable)];
      // What reads the old value must not see the new one.
      const after = reader === undefined ? [] : [moved({ node: reader, index: 0 }).node];
      return assignTo(`${prefix}/assign${i}`, handle, moved(value), after);
    });
    nodes.push(...assigns);
    const done = doneAfter(prefix, assigns);
    nodes.push(...done);
    return {
      recording,
      inputNames: recording.inputs.map((node) => outputName(moved({ node, index: 0 }))),
      outputNames: [
        ...recording.outputs.map((output) => outputName(moved(output))),
        `${done[1].name}:0`,
      ],
    };
  }

  private fetchVariables(session: Session): tf.Tensor[] {
    return session.run(
      [],
      [],
      this.variableNodes.map(({ read }) => `${read.name}:0`),
    );
  }

  private feedVariables(session: Session, values: readonly tf.Tensor[]): void {
    const names = this.variableNodes.map(({ fed }) => `${fed.name}:0`);
    for (const done of session.run(values, names, ["push/done:0"])) done.dispose();
  }
}

function makeVariable(variable: tf.Variable, i: number): VariableNodes {
  const type = { shape: variable.shape, dtype: dtypeNumber(variable.dtype) };
  const shape = { name: "shape", type: 5, value: type.shape };
  const dtype = attribute.type("dtype", type.dtype);
  const none = { inputs: [], after: [] };
  const handle: GraphNode = {
    ...none,
    name: `variable${i}`,
    op: "VarHandleOp",
    attributes: [dtype, shape, attribute.string("shared_name", `variable${i}`)],
    outputs: [type],
  };
  const fed: GraphNode = {
    ...none,
    name: `variable${i}/fed`,
    op: "Placeholder",
    attributes: [dtype, shape],
    outputs: [type],
  };
  return { handle, fed, read: readOf(`variable${i}/read`, handle) };
}

function readOf(name: string, handle: GraphNode): GraphNode {
  return {
    name,
    op: "ReadVariableOp",
    attributes: [attribute.type("dtype", handle.outputs[0].dtype)],
    inputs: [{ node: handle, index: 0 }],
    after: [],
    outputs: handle.outputs,
  };
}

function assignTo(name: string, handle: GraphNode, value: Output, after: GraphNode[]): GraphNode {
  return {
    name,
    op: "AssignVariableOp",
    attributes: [attribute.type("dtype", handle.outputs[0].dtype)],
    inputs: [{ node: handle, index: 0 }, value],
    after,
    outputs: [],
  };
}

/** A scalar whose value is there only when these nodes have run: a session fetches tensors only. */
function doneAfter(prefix: string, after: GraphNode[]): [GraphNode, GraphNode] {
  const value = { shape: [], dtype: DT.int32, bytes: new Uint8Array(4) };
  const zero: GraphNode = {
    name: `${prefix}/zero`,
    op: "Const",
    attributes: [],
    inputs: [],
    after: [],
    outputs: [value],
    value,
  };
  const done: GraphNode = {
    name: `${prefix}/done`,
    op: "Identity",
    attributes: [attribute.type("T", DT.int32)],
    inputs: [{ node: zero, index: 0 }],
    after,
    outputs: [value],
  };
  return [zero, done];
}
