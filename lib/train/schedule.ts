import { z } from "zod";
import { choice, count, positive, share, withDefaultName } from "./settings";

const warmup = {
  /** Epochs in which the rate rises in a straight line to its peak, at the start of each stage. Default 0. */
  warmupEpochs: z.number().min(0).default(0),
};

/** The keys of each schedule. */
export const scheduleShapes = {
  /** From 1/25 of the peak up to it, then down to 1/250,000 (Smith & Topin 2018). */
  onecycle: {
    /** Share of the steps in which the rate rises, 0 … 1. Default 0.3. */
    risingShare: share.default(0.3),
  },
  /** The peak rate throughout. */
  constant: { ...warmup },
  /** Falls at intervals. */
  step: {
    ...warmup,
    /** Epochs after which the rate is multiplied by `gamma`, again and again. Default 10. */
    stepSize: count.default(10),
    /** Factor of the rate at each fall, above 0. Default 0.1. */
    gamma: positive.default(0.1),
  },
  /** Half a cosine from the peak down to `floor` (Loshchilov & Hutter 2017). */
  cosine: {
    ...warmup,
    /** The last rate as a share of the peak, 0 … 1. Default 0. */
    floor: share.default(0),
  },
};

/** How the learning rate goes over the steps of a stage; `name` is `onecycle` by default. */
export const scheduleSchema = withDefaultName(
  "onecycle",
  z.discriminatedUnion("name", [
    choice("onecycle", scheduleShapes),
    choice("constant", scheduleShapes),
    choice("step", scheduleShapes),
    choice("cosine", scheduleShapes),
  ]),
);

/** A schedule with its own options. */
export type Schedule = z.output<typeof scheduleSchema>;

/**
 * The learning rate of each step, as a factor of the peak rate.
 *
 * - `constant`, `step` (× γ every `stepSize` epochs) and `cosine` (Loshchilov & Hutter 2017), each
 *   after a linear warm-up;
 * - `onecycle` (Smith & Topin 2018, as PyTorch's OneCycleLR with cosine annealing): from 1/25 up to
 *   the peak over `risingShare` of the steps, then down to 1/250,000.
 *
 * @param step From 0.
 * @param totalSteps Steps of the whole run (or stage).
 * @param stepsPerEpoch Batches of an epoch.
 * @returns 0 … 1
 */
export function learningRateFactor(
  schedule: Schedule,
  step: number,
  totalSteps: number,
  stepsPerEpoch: number,
): number {
  if (schedule.name === "onecycle") return oneCycle(step, totalSteps, schedule.risingShare);
  const warmupSteps = schedule.warmupEpochs * stepsPerEpoch;
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
