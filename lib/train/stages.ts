import type { TrainConfig } from "./config";

/** A stretch of epochs with the same parts of the model frozen. */
export interface Stage {
  readonly epochs: number;
  readonly freeze: "backbone" | "none" | number;
  /** Peak learning rate. */
  readonly learningRate: number;
  /** Epoch and step of the run at which it begins, from 0. */
  readonly firstEpoch: number;
  readonly firstStep: number;
  /** Steps that it has. */
  readonly steps: number;
}

/** The stages of a config; without any, the one that trains everything. */
export function stagesOf(
  { stages, epochs, optimizer }: TrainConfig,
  batchesPerEpoch: number,
): readonly Stage[] {
  const given = stages ?? [{ epochs: epochs ?? 0, freeze: "none" as const }];
  let firstEpoch = 0;
  return given.map((stage) => {
    const made: Stage = {
      learningRate: optimizer.learningRate,
      ...stage,
      firstEpoch,
      firstStep: firstEpoch * batchesPerEpoch,
      steps: stage.epochs * batchesPerEpoch,
    };
    firstEpoch += stage.epochs;
    return made;
  });
}

/** Which move of the weights a batch belongs to, where several batches make one. */
export interface Update {
  /** Number of the update in the stage, from 1. */
  readonly number: number;
  /** How many of its batches are done with this one. */
  readonly batches: number;
  /** Whether the weights move now: that was the last of its batches, or the epoch's. */
  readonly isFull: boolean;
}

/**
 * The update that a batch belongs to.
 *
 * @param step Of the stage, from 0.
 * @param gradientAccumulation Batches of an update; the last one of an epoch may have fewer.
 */
export function updateOf(
  step: number,
  batchesPerEpoch: number,
  gradientAccumulation: number,
): Update {
  const epoch = Math.floor(step / batchesPerEpoch);
  const inEpoch = step % batchesPerEpoch;
  const updatesPerEpoch = Math.ceil(batchesPerEpoch / gradientAccumulation);
  const batches = (inEpoch % gradientAccumulation) + 1;
  return {
    number: epoch * updatesPerEpoch + Math.floor(inEpoch / gradientAccumulation) + 1,
    batches,
    isFull: batches === gradientAccumulation || inEpoch === batchesPerEpoch - 1,
  };
}
