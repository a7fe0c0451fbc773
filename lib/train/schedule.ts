import type { TrainConfig } from "./config";

/**
 * The learning rate of each step, as a share of the peak rate.
 *
 * - `constant`, `step` (× γ every `stepSize` epochs) and `cosine` (Loshchilov & Hutter 2017), each
 *   after a linear warm-up;
 * - `onecycle` (Smith & Topin 2018, as PyTorch's OneCycleLR with cosine annealing): from 1/25 up to
 *   the peak over the first `warmup` share of the run (0.3), then down to 1/250,000.
 *
 * @param totalSteps Steps of the whole run (or stage).
 * @param stepsPerEpoch May be fractional where batches are accumulated.
 */
export function learningRateShare(
  schedule: TrainConfig["schedule"],
  step: number,
  totalSteps: number,
  stepsPerEpoch: number,
): number {
  if (schedule.name === "onecycle") return oneCycle(step, totalSteps, schedule.warmup ?? 0.3);
  const warmupSteps = (schedule.warmup ?? 0) * stepsPerEpoch;
  if (step < warmupSteps) return (step + 1) / (warmupSteps + 1);
  if (schedule.name === "constant") return 1;
  if (schedule.name === "step") {
    return schedule.gamma ** Math.floor(step / stepsPerEpoch / schedule.stepSize);
  }
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return schedule.floor + (1 - schedule.floor) * cosineDown(Math.min(1, progress));
}

/** From 1 at 0 to 0 at 1. */
function cosineDown(progress: number): number {
  return (1 + Math.cos(Math.PI * progress)) / 2;
}

const ONE_CYCLE_START = 1 / 25;
const ONE_CYCLE_END = ONE_CYCLE_START / 1e4;

function oneCycle(step: number, totalSteps: number, rising: number): number {
  const peak = rising * totalSteps - 1;
  if (step <= peak) {
    const up = peak > 0 ? step / peak : 1;
    return 1 + (ONE_CYCLE_START - 1) * cosineDown(up);
  }
  const down = Math.min(1, (step - peak) / Math.max(1, totalSteps - 1 - peak));
  return ONE_CYCLE_END + (1 - ONE_CYCLE_END) * cosineDown(down);
}
