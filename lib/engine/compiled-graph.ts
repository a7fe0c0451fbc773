import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as tf from "@tensorflow/tfjs-core";
import { isAway, sendAway } from "./away";
import { foldBatchNorm } from "./fold-batch-norm";
import { type GraphNode, makeNode, type Output, outputName, variableNodes } from "./graph";
import { ATTRIBUTE, attribute, DT, dtypeNumber, type NativeBackend } from "./native";
import { withPrecision } from "./precision";
import { withPreparedWeights } from "./prepare";
import { record } from "./record";
import { difference, type Recording, type TensorFunction } from "./recording";
import { refusal } from "./recording-guard";
import { Session } from "./session";
import type { Precision } from "./start";

/** How many recordings one graph holds; the one used longest ago makes room. */
const MOST_RECORDINGS = 16;

/** Elements of a variable from which its copy on the host, now garbage, is worth an early collection. */
const LARGE = 2 ** 18;

/** What a session must be fed and asked for to run one recording. */
interface Runnable {
  readonly many: boolean;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Fetched once since any variable was changed. */
  readonly prepareName?: string;
}

/** The recordings of several functions over the same variables, in one TensorFlow session. */
export class CompiledGraph {
  /** By function and signature, in the order of their last use. */
  private readonly recordings = new Map<string, Recording>();
  private runnables = new Map<string, Runnable>();
  private readonly handles: ReadonlyMap<tf.Variable, GraphNode>;
  private readonly variableNodes: readonly GraphNode[];
  private readonly readNames: readonly string[];
  private readonly feedNames: readonly string[];
  /** Variables whose values live in the session, because a function changes them. */
  private readonly changed = new Set<tf.Variable>();
  /** The recordings whose `prepare` has run since any variable was changed. */
  private readonly prepared = new Set<string>();
  private session: Session | undefined;
  private disposed = false;

  constructor(
    private readonly functions: Readonly<Record<string, TensorFunction>>,
    private readonly variables: readonly tf.Variable[],
    private readonly precision: Precision,
    private readonly backend: NativeBackend,
  ) {
    const nodes = variables.map(fedVariable);
    this.handles = new Map(variables.map((variable, i) => [variable, nodes[i].handle]));
    const fed = doneAfter(
      "feed",
      nodes.map(({ assign }) => assign),
    );
    this.variableNodes = [...nodes.flatMap((group) => Object.values(group)), ...fed];
    this.readNames = nodes.map(({ read }) => `${read.name}:0`);
    this.feedNames = nodes.map(({ feed }) => `${feed.name}:0`);
  }

  call(name: string, inputs: readonly tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    if (this.disposed) throw new Error(`"${name}" was called after dispose()`);
    const key = `${name}(${inputs.map((x) => `${x.dtype}[${x.shape}]`).join(",")})`;
    let recording = this.recordings.get(key);
    if (recording === undefined) {
      const folded = foldBatchNorm(this.record(name, inputs));
      recording = withPreparedWeights(withPrecision(folded, this.precision));
      this.recordings.set(key, recording);
      this.rebuild();
      for (const variable of recording.changed) this.changed.add(variable);
    } else {
      this.recordings.delete(key);
      this.recordings.set(key, recording);
    }
    // The session's own copy is then the only one, so that it is changed in place.
    for (const variable of this.changed) sendAway(variable, this.backend);
    const runnable = this.runnables.get(key);
    if (this.session === undefined || runnable === undefined) throw new Error("no session");
    if (runnable.prepareName !== undefined && !this.prepared.has(key)) {
      tf.dispose(this.session.run([], [], [runnable.prepareName]));
      this.prepared.add(key);
    }
    if (recording.effects.length > 0) this.prepared.clear();
    const results = this.session.run(inputs, runnable.inputNames, runnable.outputNames);
    // The last one fetched only makes the assignments run.
    results.pop()?.dispose();
    return runnable.many ? results : results[0];
  }

  pull(): void {
    if (this.session === undefined) return;
    const values = this.session.run([], [], this.readNames);
    this.variables.forEach((variable, i) => {
      if (!variable.isDisposed) variable.assign(values[i]);
      values[i].dispose();
    });
  }

  push(): void {
    if (this.session === undefined) return;
    if (this.variables.some(isAway)) {
      const given = this.variables.map((variable) =>
        isAway(variable) ? undefined : tf.keep(variable.clone()),
      );
      this.pull();
      given.forEach((value, i) => {
        if (value !== undefined) this.variables[i].assign(value);
        value?.dispose();
      });
    }
    this.feed(this.session, this.variables);
  }

  dispose(): void {
    if (this.variables.some((variable) => !variable.isDisposed && isAway(variable))) this.pull();
    this.disposed = true;
    this.session?.close();
    this.session = undefined;
    this.recordings.clear();
  }

  /** Recorded twice: a graph repeats what the function did once, so it must do the same again. */
  private record(name: string, inputs: readonly tf.Tensor[]): Recording {
    const [first, second] = [1, 2].map(() =>
      record(name, this.functions[name], inputs, this.handles),
    );
    const what = difference(first, second);
    if (what === undefined) return first;
    throw refusal(
      name,
      `did not do the same when it was run twice (${what})`,
      "pass whatever changes from call to call as an input tensor",
    );
  }

  /** A new session that holds all recordings; the variables' values move over. */
  private rebuild(): void {
    for (const key of this.recordings.keys()) {
      if (this.recordings.size <= MOST_RECORDINGS) break;
      this.recordings.delete(key);
    }
    const nodes = [...this.variableNodes];
    const runnables = new Map<string, Runnable>();
    for (const [key, recording] of this.recordings) {
      runnables.set(key, place(`f${runnables.size}`, recording, nodes));
    }
    const session = new Session(nodes);
    const values = this.session?.run([], [], this.readNames);
    this.feed(session, values ?? this.variables);
    for (const value of values ?? []) value.dispose();
    if (this.variables.some(({ size }) => size > LARGE)) collectGarbage();
    this.session?.close();
    this.session = session;
    this.runnables = runnables;
  }

  private feed(session: Session, values: readonly tf.Tensor[]): void {
    this.prepared.clear();
    for (const done of session.run(values, this.feedNames, ["feed/done:0"])) done.dispose();
  }
}

/** Copy a recording's nodes into the graph, under names of their own. */
function place(prefix: string, recording: Recording, nodes: GraphNode[]): Runnable {
  const placed = new Map<GraphNode, GraphNode>();
  // What is not the recording's own is a variable's handle, which all share.
  const there = (node: GraphNode) => placed.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  for (const node of recording.nodes) {
    const copy = {
      ...node,
      name: `${prefix}/${node.name}`,
      inputs: node.inputs.map(moved),
      after: node.after.map(there),
    };
    placed.set(node, copy);
    nodes.push(copy);
  }
  const done = doneAfter(prefix, recording.effects.map(there));
  nodes.push(...done);
  const { prepare = [] } = recording;
  const ready = prepare.length > 0 ? doneAfter(`${prefix}/prepare`, prepare.map(there)) : [];
  nodes.push(...ready);
  return {
    prepareName: ready.length > 0 ? `${ready[1].name}:0` : undefined,
    many: recording.many,
    inputNames: recording.inputs.map((node) => `${there(node).name}:0`),
    outputNames: [...recording.outputs.map(moved).map(outputName), `${done[1].name}:0`],
  };
}

/** Free what is unreachable now; V8 does not see how much memory hangs on it. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** A variable's nodes, and the placeholder that its value is fed through. */
function fedVariable(variable: tf.Variable, i: number) {
  const type = { shape: variable.shape, dtype: dtypeNumber(variable.dtype) };
  const shape = { name: "shape", type: ATTRIBUTE.shape, value: type.shape };
  const feed = makeNode(`variable${i}/feed`, "Placeholder", {
    attributes: [attribute.type("dtype", type.dtype), shape],
    outputs: [type],
  });
  return { feed, ...variableNodes(`variable${i}`, { node: feed, index: 0 }) };
}

/** A scalar whose value is there only when these nodes have run: a session fetches tensors only. */
function doneAfter(prefix: string, after: readonly GraphNode[]): [GraphNode, GraphNode] {
  const value = { shape: [], dtype: DT.int32, bytes: new Uint8Array(4) };
  const zero = makeNode(`${prefix}/zero`, "Const", { outputs: [value], value });
  const done = makeNode(`${prefix}/done`, "Identity", {
    attributes: [attribute.type("T", DT.int32)],
    inputs: [{ node: zero, index: 0 }],
    after,
    outputs: [value],
  });
  return [zero, done];
}
