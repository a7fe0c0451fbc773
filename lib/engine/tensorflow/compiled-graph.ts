import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as tf from "@tensorflow/tfjs-core";
import type { Compiled, CompileOptions, TensorFunction } from "../compile";
import { type NativeBackend, nativeBackend } from "./binding";
import { dumpGraph } from "./dump-graph";
import { difference, type Trace } from "./function-trace";
import type { GraphNode } from "./graph";
import { isGraphOwned, makeGraphOwned } from "./graph-owned";
import { applyPasses } from "./passes/registry";
import { fedVariable, placeTrace, type Runnable } from "./place-trace";
import { Session } from "./session";
import { traceFunction } from "./trace-function";
import { TracingError } from "./trace-guard";
import { isSmallWork } from "./work";

/** How many traces one graph holds; the one used longest ago makes room. */
const MOST_TRACES = 16;

/** Elements of a variable from which its copy on the host, now garbage, is worth an early collection. */
const LARGE = 2 ** 18;

/** `compile` on TensorFlow. */
export function compileGraph<F extends Record<string, TensorFunction>>(
  functions: F,
  options: CompileOptions,
): Compiled<F> {
  const graph = new CompiledGraph(functions, options, nativeBackend());
  type Functions = Compiled<F>["call"] & Compiled<F>["trace"];
  const each = (act: (name: string, inputs: tf.Tensor[]) => unknown) =>
    Object.fromEntries(
      Object.keys(functions).map((name) => [name, (...inputs: tf.Tensor[]) => act(name, inputs)]),
    ) as unknown as Functions;
  return {
    call: each((name, inputs) => graph.call(name, inputs)),
    trace: each((name, inputs) => void graph.traceOnce(name, inputs)),
    pull: () => graph.pull(),
    dispose: () => graph.dispose(),
  };
}

/** The traces of several functions over the same variables, in one TensorFlow session. */
class CompiledGraph {
  /** By function and signature, in the order of their last use. */
  private readonly traces = new Map<string, Trace>();
  private runnables = new Map<string, Runnable>();
  private readonly variables: readonly tf.Variable[];
  private readonly handles: ReadonlyMap<tf.Variable, GraphNode>;
  private readonly variableNodes: readonly GraphNode[];
  private readonly readNames: readonly string[];
  private readonly feedNames: readonly string[];
  /** Fetched to have the session take what is fed. */
  private readonly fedNames: readonly string[];
  /** What each variable held when it was last the same as in the session. */
  private readonly known: object[] = [];
  /** Variables whose values live in the session, because a function changes them. */
  private readonly changed = new Set<tf.Variable>();
  /** The traces whose `prepack` has run since any variable was changed. */
  private readonly prepacked = new Set<string>();
  /** Functions that did the same when they were run twice. */
  private readonly repeatable = new Set<string>();
  /** Which variables are trained, as the traces were made. */
  private trained: string | undefined;
  private session: Session | undefined;
  /** Whether there are traces that the session does not have yet. */
  private stale = false;
  private disposed = false;

  constructor(
    private readonly functions: Readonly<Record<string, TensorFunction>>,
    private readonly options: CompileOptions,
    private readonly backend: NativeBackend,
  ) {
    const { variables } = options;
    this.variables = variables;
    const nodes = variables.map(fedVariable);
    this.handles = new Map(variables.map((variable, i) => [variable, nodes[i].handle]));
    this.variableNodes = nodes.flatMap((group) => Object.values(group));
    this.readNames = nodes.map(({ read }) => `${read.name}:0`);
    this.feedNames = nodes.map(({ feed }) => `${feed.name}:0`);
    this.fedNames = nodes.map(({ done }) => `${done.name}:0`);
  }

  /** Trace a function for inputs like these, unless that is done. @returns the trace and its key */
  traceOnce(name: string, inputs: readonly tf.Tensor[]): readonly [string, Trace] {
    if (this.disposed) throw new Error(`"${name}" was called after dispose()`);
    this.forgetOtherTraining();
    const key = `${name}(${inputs.map((x) => `${x.dtype}[${x.shape}]`).join(",")})`;
    let trace = this.traces.get(key);
    if (trace === undefined) {
      const traced = this.trace(name, inputs);
      const { precision = "float32", constantVariables, parts } = this.options;
      if (constantVariables && traced.effects.length > 0) {
        throw new TracingError(
          name,
          "changes a variable, and its graph is for variables that stay",
          "compile it without `constantVariables`",
        );
      }
      trace = applyPasses(traced, { precision, portable: false, constantVariables, parts });
      dumpGraph(name, traced, trace, this.variableNodes);
      this.stale = true;
    }
    // The one used last comes last.
    this.traces.delete(key);
    this.traces.set(key, trace);
    return [key, trace];
  }

  call(name: string, inputs: readonly tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    if (!this.disposed) this.push();
    const [key, trace] = this.traceOnce(name, inputs);
    if (this.stale) this.rebuild();
    for (const variable of trace.changed) this.changed.add(variable);
    // The session's own copy is then the only one, so that it is changed in place.
    this.variables.forEach((variable, i) => {
      if (!this.changed.has(variable)) return;
      makeGraphOwned(variable, this.backend);
      this.known[i] = variable.dataId;
    });
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
    this.push();
    const values = this.session.run([], [], this.readNames);
    this.variables.forEach((variable, i) => {
      if (!variable.isDisposed) variable.assign(values[i]);
      values[i].dispose();
      this.known[i] = variable.dataId;
    });
  }

  /** Feed the variables that were assigned to since they were last the same as in the session. */
  private push(): void {
    const { session, variables } = this;
    if (session === undefined) return;
    const assigned = variables.flatMap(({ dataId, isDisposed }, i) =>
      dataId === this.known[i] || isDisposed ? [] : [i],
    );
    if (assigned.length === 0) return;
    // What kernels keep of the values they had is gone with their session.
    if (this.options.constantVariables) this.rebuild();
    this.feed(this.session ?? session, variables, assigned);
  }

  dispose(): void {
    const owns = (variable: tf.Variable, i: number) =>
      !variable.isDisposed && isGraphOwned(variable) && variable.dataId === this.known[i];
    if (this.variables.some(owns)) this.pull();
    this.disposed = true;
    this.session?.close();
    this.session = undefined;
    this.traces.clear();
  }

  /** A function may do other things where other variables are trained: then it is traced anew. */
  private forgetOtherTraining(): void {
    const trained = this.variables.map(({ trainable }) => (trainable ? "1" : "0")).join("");
    if (this.trained !== undefined && trained !== this.trained) this.traces.clear();
    this.trained = trained;
  }

  /** The first time twice: a graph repeats what the function did once, so it must do the same again. */
  private trace(name: string, inputs: readonly tf.Tensor[]): Trace {
    const { precision, parts } = this.options;
    const once = () =>
      traceFunction(name, this.functions[name], inputs, this.handles, { precision, parts });
    const trace = once();
    if (this.repeatable.has(name)) return trace;
    const what = difference(trace, once());
    if (what !== undefined) {
      throw new TracingError(
        name,
        `did not do the same when it was run twice (${what})`,
        "pass whatever changes from call to call as an input tensor",
      );
    }
    this.repeatable.add(name);
    return trace;
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
      runnables.set(key, placeTrace(`f${runnables.size}`, trace, nodes));
    }
    const isSmall = [...this.traces.values()].every((trace) => isSmallWork(trace));
    const session = new Session(nodes, this.options.parts, isSmall ? 1 : undefined);
    const values = this.session?.run([], [], this.readNames);
    this.feed(session, values ?? this.variables, [...this.variables.keys()]);
    for (const value of values ?? []) value.dispose();
    if (this.variables.some(({ size }) => size > LARGE)) collectGarbage();
    this.session?.close();
    this.session = session;
    this.runnables = runnables;
    this.stale = false;
  }

  /** Give the session the values of these variables. */
  private feed(session: Session, values: readonly tf.Tensor[], which: readonly number[]): void {
    this.prepacked.clear();
    const at = <T>(list: readonly T[]) => which.map((i) => list[i]);
    tf.dispose(session.run(at(values), at(this.feedNames), at(this.fedNames)));
    for (const i of which) this.known[i] = this.variables[i].dataId;
  }
}

/** Free what is unreachable now; V8 does not see how much memory hangs on it. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}
