import type * as tf from "@tensorflow/tfjs-core";
import type { z } from "zod";
import type { DecisionTree } from "../data/decision-tree";
import type { Loss } from "./task";

/** The settings of a loss: its name and its own options. */
export interface LossOptions {
  /** Which loss. */
  readonly name: string;
}

/** What a loss may know of what it is to learn. */
export interface LearnedTargets {
  /** Stratum of each training row, such as its class. */
  readonly strata: Int32Array;
  /** Names of the outputs. */
  readonly outputs: readonly string[];
  /** The questions that the outputs answer; of classes there is one. */
  readonly questions: DecisionTree;
}

/** A loss, its options, and what its logits mean: one file, and one line in the list of its task. */
export interface LossDefinition<Options extends LossOptions = LossOptions> {
  /** By which a config names it: `train.loss.name`. */
  readonly name: Options["name"];
  /** One sentence for people. */
  readonly sentence: string;
  /** Checks the options of `train.loss` and fills in their defaults. */
  readonly schema: z.ZodType<Options> & {
    /** Its keys. */
    readonly shape: object;
  };
  /**
   * Logits that a network has for each output, as many as a distribution has parameters. Default 1.
   */
  readonly logitsPerOutput?: number;
  /** Whether the numbers of votes must be known, and not only their fractions. Default false. */
  readonly needsCounts?: boolean;
  /** Whether the answers are followed by the strength of each question, in votes. Default false. */
  readonly givesStrengths?: boolean;
  /** @throws UserError when the options do not fit the targets */
  create(options: Options, targets: LearnedTargets): Loss;
  /** logits `[batch, outputs × logitsPerOutput]` → answers `[batch, outputs]`. */
  activate(logits: tf.Tensor2D, questions: DecisionTree): tf.Tensor2D;
}
