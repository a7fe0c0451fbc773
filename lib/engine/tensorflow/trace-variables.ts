import * as tf from "@tensorflow/tfjs-core";
import { type Attribute, attribute, dtypeNumber } from "../native";
import type { NativeBackend } from "./binding";
import type { GraphNode } from "./graph";
import { isGraphOwned } from "./graph-owned";
import { TracingError } from "./trace-guard";
import type { TraceNodes } from "./trace-nodes";

/** A variable while a function is traced. */
interface VariableState {
  readonly handle: GraphNode;
  /** Handle of the tensor that is the variable's value in the graph as far as traced. */
  id: number;
  /** Reads since the last change, which the next one must wait for. */
  reads: GraphNode[];
  /** The last change. */
  writer?: GraphNode;
}

/** The variables of a function that is traced: each change waits for the reads before it. */
export class TraceVariables {
  private readonly states = new Map<tf.Variable, VariableState>();
  private readonly known = new Set(Object.keys(tf.engine().registeredVariables));

  constructor(
    private readonly nodes: TraceNodes,
    private readonly backend: NativeBackend,
    private readonly handles: ReadonlyMap<tf.Variable, GraphNode>,
  ) {
    this.noteOutsiders();
  }

  /** From here on the variables stand for their values in the graph. */
  begin(): void {
    for (const [variable, handle] of this.handles) {
      this.states.set(variable, { handle, id: -1, reads: [] });
      this.read(variable);
    }
  }

  /** Have the graph do what is still to be assigned. */
  finish(): void {
    for (const variable of this.handles.keys()) this.flush(variable);
  }

  /** The variables that are changed, and the last change of each. */
  get changes(): {
    readonly changed: readonly tf.Variable[];
    readonly effects: readonly GraphNode[];
  } {
    const written = [...this.states].filter(([, { writer }]) => writer !== undefined);
    return {
      changed: written.map(([variable]) => variable),
      effects: written.flatMap(([, { writer }]) => writer ?? []),
    };
  }

  update(
    op: string,
    attributes: readonly Attribute[],
    variables: readonly tf.Variable[],
    inputs: readonly tf.Tensor[],
  ): void {
    for (const variable of variables) this.flush(variable);
    const states = variables.map((variable) => this.stateOf(variable));
    const sources = inputs.map((tensor) => this.nodes.lookUp(this.nodes.idOf(tensor)));
    const node = this.nodes.add(op, {
      attributes,
      inputs: [...states.map(({ handle }) => ({ node: handle, index: 0 })), ...sources],
      after: states.flatMap(({ reads, writer }) => (writer ? [...reads, writer] : reads)),
    });
    variables.forEach((variable, i) => {
      Object.assign(states[i], { writer: node, reads: [] });
      this.read(variable);
    });
  }

  /** From here on the variable stands for its value after the last change. */
  private read(variable: tf.Variable): void {
    const state = this.stateOf(variable);
    const type = { shape: variable.shape, dtype: dtypeNumber(variable.dtype) };
    const node = this.nodes.add("ReadVariableOp", {
      attributes: [attribute.type("dtype", type.dtype)],
      inputs: [{ node: state.handle, index: 0 }],
      after: state.writer === undefined ? [] : [state.writer],
      outputs: [type],
    });
    const symbolic = this.backend.createOutputTensor(this.nodes.symbolic(type));
    variable.assign(symbolic);
    symbolic.dispose();
    state.reads.push(node);
    state.id = this.nodes.idOf(variable);
    this.nodes.define(state.id, { node, index: 0 });
  }

  /** If the variable was assigned to, have the graph do it. */
  private flush(variable: tf.Variable): void {
    const state = this.stateOf(variable);
    const id = this.nodes.idOf(variable);
    if (id === state.id) return;
    state.writer = this.nodes.add("AssignVariableOp", {
      attributes: [attribute.type("dtype", dtypeNumber(variable.dtype))],
      inputs: [{ node: state.handle, index: 0 }, this.nodes.lookUp(id)],
      after: state.writer ? [...state.reads, state.writer] : state.reads,
    });
    Object.assign(state, { id, reads: [] });
  }

  private stateOf(variable: tf.Variable): VariableState {
    const state = this.states.get(variable);
    if (state === undefined) {
      throw new TracingError(
        this.nodes.name,
        `changes the variable "${variable.name}", which compile() was not told of`,
        "add it to `variables`",
      );
    }
    return state;
  }

  /** Variables that exist and are not listed: to use one would freeze its value unnoticed. */
  private noteOutsiders(): void {
    for (const variable of Object.values(tf.engine().registeredVariables)) {
      if (!this.handles.has(variable) && !variable.isDisposed && !isGraphOwned(variable)) {
        this.nodes.outsiders.set(this.nodes.idOf(variable), variable.name);
      }
    }
  }

  refuseNewVariables(): void {
    const made = Object.entries(tf.engine().registeredVariables).filter(
      ([key]) => !this.known.has(key),
    );
    for (const [, variable] of made) variable.dispose();
    if (made.length > 0) {
      throw new TracingError(
        this.nodes.name,
        `makes a variable ("${made[0][0]}"), which would be made anew in every call`,
        "make it outside and list it in `variables`",
      );
    }
  }
}
