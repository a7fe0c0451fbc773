import { UserError } from "../core/errors";
import { nearestWord } from "../core/nearest";
import type { BoostMatrix } from "./boost-matrix";
import type { BoostConfig } from "./boost-settings";

/** Features as a library has binned them, with a target that can be exchanged. */
export interface BinnedData {
  /** The library's own handle. */
  readonly handle: bigint;
  /** Galaxies. */
  readonly rows: number;
  /**
   * What is to be learned next.
   *
   * @param target float32 `[rows]`
   * @param weights float32 `[rows]`, 0 where the target is not known. Default: all are known.
   */
  setTarget(target: Float32Array, weights?: Float32Array): void;
  /** Free the handle. */
  dispose(): void;
}

/** Trees of one answer. */
export interface Booster {
  /** Trees. */
  readonly rounds: number;
  /** Answers about galaxies, float64 `[rows]`, computed in the background. */
  predict(features: BoostMatrix): Promise<Float64Array>;
  /** Total gain of the splits at each feature, `[width]`; 0 where none is. */
  importance(): Float64Array;
  /** The model file, as the library's Python package opens it. */
  serialize(): Uint8Array;
  /** Free the handle. */
  dispose(): void;
}

/** Trees of one answer while they are learned. */
export interface BoosterTraining {
  /** Learn one tree more. @returns whether nothing is left to learn */
  update(): boolean;
  /** Loss on the training data and, where there are some, on the validation data. */
  losses(): readonly number[];
  /** The trees of the first rounds as a booster that does not need the data. */
  finish(rounds: number): Booster;
  /** Free the handle. */
  dispose(): void;
}

/** How many threads a library takes, and what it is told. */
export type LibraryConfig = Pick<BoostConfig, "learningRate" | "loss" | "seed" | "params"> & {
  /** Processor threads, from 1. */
  readonly threads: number;
};

/**
 * A library of gradient boosting; one more is a file and a line of the registry.
 *
 * What learns is called on one thread from the binning to the end: these libraries keep their last error,
 * their random numbers and how much they print by thread.
 */
export interface BoosterLibrary {
  /** By which settings name it. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** Of its model files, with the dot. */
  readonly extension: string;
  /** Of the library that is installed. @throws UserError when none is, or too old a one */
  version(): string;
  /**
   * Bin features.
   *
   * @param like Training data by whose bins validation data are binned. Default: bins of its own.
   */
  bin(features: BoostMatrix, config: LibraryConfig, like?: BinnedData): BinnedData;
  /**
   * Begin to learn the target that the training data have now.
   *
   * @throws UserError for a parameter that the library does not have
   */
  begin(config: LibraryConfig, train: BinnedData, val?: BinnedData): BoosterTraining;
  /** The booster of a model file. @throws UserError when it is none of this library's */
  load(bytes: Uint8Array, source: string): Booster;
}

/** Parameters that other settings decide → by which. */
export type Decided = Readonly<Record<string, string>>;

/** @throws UserError naming a parameter that other settings decide */
export function refuseDecided(params: BoostConfig["params"], decided: Decided): void {
  const name = Object.keys(params).find((one) => Object.hasOwn(decided, one));
  if (name === undefined) return;
  throw new UserError(`params.${name} is decided by ${decided[name]}`, "leave it out");
}

/**
 * Refuse parameters that a library would pass over in silence.
 *
 * @param title The library, for the message.
 * @param known Every name that it takes.
 * @throws UserError naming the parameter, and the one that may be meant
 */
export function refuseUnknown(
  title: string,
  params: BoostConfig["params"],
  known: readonly string[],
): void {
  const name = Object.keys(params).find((one) => !known.includes(one));
  if (name === undefined) return;
  const meant = nearestWord(name, known);
  throw new UserError(
    `${title} has no parameter "${name}"`,
    meant === undefined ? "see its documentation" : `did you mean ${meant}?`,
  );
}
