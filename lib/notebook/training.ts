import type { Model } from "../models/module";
import { trainingCurves } from "../plots/training-curves";
import type { TrainConfig } from "../train/config";
import type { SplitDataset } from "../train/experiment";
import { type FitOptions, type FitResult, fit } from "../train/fit";
import type { RunFolder } from "../train/run-folder";
import { liveFigure } from "./figures";
import { untilInterrupted } from "./interrupt";
import { progress } from "./progress";

/**
 * Training's face: a progress bar with images a second, the loss and the score, and in a
 * notebook the curves as they grow.
 *
 * @returns callbacks for `fit`, and `finish` for its end
 */
export function showTraining(): Pick<FitOptions, "onStep" | "onEpoch"> & {
  finish(remark?: string): void;
} {
  let bar: ReturnType<typeof progress> | undefined;
  const curves = liveFigure();
  return {
    onStep({ epoch, done, total, means }) {
      bar ??= progress(total, "training");
      bar.update(done, { epoch, ...means });
    },
    onEpoch: (_, history) => curves.update(trainingCurves(history)),
    finish(remark) {
      bar?.finish(remark);
      curves.finish();
    },
  };
}

/**
 * Train in a cell: `fit` with progress, live curves, and an interrupt that stops after the step under
 * way, writes a checkpoint and leaves the kernel usable. Running the cell again goes on from there.
 */
export async function train(
  model: Model,
  { dataset, task, train: rows, val }: SplitDataset,
  config: TrainConfig,
  run: RunFolder,
): Promise<FitResult> {
  const shown = showTraining();
  let remark: string | undefined = "interrupted; run the cell again to go on";
  try {
    const result = await untilInterrupted((signal) =>
      fit(
        { model, task, dataset, train: rows, val: val.length > 0 ? val : undefined },
        config,
        run,
        { ...shown, signal },
      ),
    );
    remark = undefined;
    return result;
  } finally {
    shown.finish(remark);
  }
}
