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
