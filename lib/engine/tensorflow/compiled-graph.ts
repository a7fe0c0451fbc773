import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as tf from "@tensorflow/tfjs-core";
import type { Compiled, CompileOptions, TensorFunction } from "../compile";
import { attribute, DT, dtypeNumber } from "../native";
import type { Precision } from "../start";
import { type NativeBackend, nativeBackend } from "./binding";
import { difference, type Trace } from "./function-trace";
import { type GraphNode, makeNode, type Output, outputName, variableNodes } from "./graph";
import { isGraphOwned, makeGraphOwned } from "./graph-owned";
import { foldBatchNorm } from "./passes/fold-batch-norm";
import { withPrecision } from "./passes/mixed-precision";
import { prepackWeights } from "./passes/prepack-weights";
import { Session } from "./session";
import { traceFunction } from "./trace-function";
import { TracingError } from "./trace-guard";

/** How many traces one graph holds; the one used longest ago makes room. */
const MOST_TRACES = 16;

/** Elements of a variable from which its copy on the host, now garbage, is worth an early collection. */
const LARGE = 2 ** 18;

/** What a session must be fed and asked for to run one trace. */
interface Runnable {
  readonly many: boolean;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Fetched once since any variable was changed. */
  readonly prepackName?: string;
}

/** `compile` on TensorFlow. */
export function compileGraph<F extends Record<string, TensorFunction>>(
  functions: F,
  { variables, precision = "float32" }: CompileOptions,
): Compiled<F> {
  const graph = new CompiledGraph(functions, variables, precision, nativeBackend());
  const call = Object.fromEntries(
    Object.keys(functions).map((name) => [
      name,
      (...inputs: tf.Tensor[]) => graph.call(name, inputs),
    ]),
  );
  return {
    call: call as Compiled<F>["call"],
    pull: () => graph.pull(),
    push: () => graph.push(),
    dispose: () => graph.dispose(),
  };
}

/** The traces of several functions over the same variables, in one TensorFlow session. */
class CompiledGraph {
  /** By function and signature, in the order of their last use. */
  private readonly traces = new Map<string, Trace>();
  private runnables = new Map<string, Runnable>();
  private readonly handles: ReadonlyMap<tf.Variable, GraphNode>;
  private readonly variableNodes: readonly GraphNode[];
  private readonly readNames: readonly string[];
  private readonly feedNames: readonly string[];
  /** Variables whose values live in the session, because a function changes them. */
  private readonly changed = new Set<tf.Variable>();
  /** The traces whose `prepack` has run since any variable was changed. */
  private readonly prepacked = new Set<string>();
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
    let trace = this.traces.get(key);
    if (trace === undefined) {
      const folded = foldBatchNorm(this.traceFunction(name, inputs));
      trace = prepackWeights(withPrecision(folded, this.precision));
      this.traces.set(key, trace);
      this.rebuild();
      for (const variable of trace.changed) this.changed.add(variable);
    } else {
      this.traces.delete(key);
      this.traces.set(key, trace);
    }
    // The session's own copy is then the only one, so that it is changed in place.
    for (const variable of this.changed) makeGraphOwned(variable, this.backend);
    const runnable = this.runnables.get(key);
    if (this.session === undefined || runnable === undefined) throw new Error("no session");
    if (runnable.prepackName !== undefined && !this.prepacked.has(key)) {
      tf.dispose(this.session.run([], [], [runnable.prepackName]));
      this.prepacked.add(key);
    }
    if (trace.effects.length > 0) this.prepacked.clear();
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
    if (this.variables.some(isGraphOwned)) {
      const given = this.variables.map((variable) =>
        isGraphOwned(variable) ? undefined : tf.keep(variable.clone()),
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
    if (this.variables.some((variable) => !variable.isDisposed && isGraphOwned(variable)))
      this.pull();
    this.disposed = true;
    this.session?.close();
    this.session = undefined;
    this.traces.clear();
  }

  /** Recorded twice: a graph repeats what the function did once, so it must do the same again. */
  private traceFunction(name: string, inputs: readonly tf.Tensor[]): Trace {
    const [first, second] = [1, 2].map(() =>
      traceFunction(name, this.functions[name], inputs, this.handles),
    );
    const what = difference(first, second);
    if (what === undefined) return first;
    throw new TracingError(
      name,
      `did not do the same when it was run twice (${what})`,
      "pass whatever changes from call to call as an input tensor",
    );
  }

  /** A new session that holds all traces; the variables' values move over. */
  private rebuild(): void {
    for (const key of this.traces.keys()) {
      if (this.traces.size <= MOST_TRACES) break;
      this.traces.delete(key);
    }
    const nodes = [...this.variableNodes];
    const runnables = new Map<string, Runnable>();
    for (const [key, trace] of this.traces) {
      runnables.set(key, place(`f${runnables.size}`, trace, nodes));
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
    this.prepacked.clear();
    for (const done of session.run(values, this.feedNames, ["feed/done:0"])) done.dispose();
  }
}

/** Copy a trace's nodes into the graph, under names of their own. */
function place(prefix: string, trace: Trace, nodes: GraphNode[]): Runnable {
  const placed = new Map<GraphNode, GraphNode>();
  // What is not the trace's own is a variable's handle, which all share.
  const there = (node: GraphNode) => placed.get(node) ?? node;
  const moved = ({ node, index }: Output): Output => ({ node: there(node), index });
  for (const node of trace.nodes) {
    const copy = {
      ...node,
      name: `${prefix}/${node.name}`,
      inputs: node.inputs.map(moved),
      after: node.after.map(there),
    };
    placed.set(node, copy);
    nodes.push(copy);
  }
  const done = doneAfter(prefix, trace.effects.map(there));
  nodes.push(...done);
  const { prepack = [] } = trace;
  const ready = prepack.length > 0 ? doneAfter(`${prefix}/prepack`, prepack.map(there)) : [];
  nodes.push(...ready);
  return {
    prepackName: ready.length > 0 ? `${ready[1].name}:0` : undefined,
    many: trace.many,
    inputNames: trace.inputs.map((node) => `${there(node).name}:0`),
    outputNames: [...trace.outputs.map(moved).map(outputName), `${done[1].name}:0`],
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
  const shape = attribute.shape("shape", type.shape);
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
