import type { Precision } from "../../start";
import type { Trace } from "../function-trace";

/** What a graph is made for. */
export interface Target {
  /** Number format of the heavy ops. */
  readonly precision: Precision;
  /** Whether other machines run it too; then only what every TensorFlow understands may be in it. */
  readonly portable: boolean;
  /** Whether the variables' values stay as long as the session. Default false. */
  readonly constantVariables?: boolean;
  /** How many ops run side by side, each with its share of the cores. Default 1. */
  readonly parts?: number;
}

/** A rewriting of traces into faster ones that give the same numbers, but for rounding. */
export interface Pass {
  /** What switches it off in `TUNING_FORK_DISABLE_PASSES`; its file's name. */
  readonly name: string;
  /** Whether it is about kernels of processors alone, and left out for a GPU. Default: for both. */
  readonly processorsOnly?: true;
  /** What it does, in a sentence. */
  readonly summary: string;
  /** The trace anew, nodes in an order in which each comes after what it reads. */
  run(trace: Trace, target: Target): Trace;
  /** What is done instead where the pass is switched off; default nothing. */
  off?(trace: Trace): Trace;
}
