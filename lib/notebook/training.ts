import type { Predictions } from "../evaluate/predictions";
import type { Summary } from "../evaluate/summary";
import { trainingCurves } from "../plots/training-curves";
import type { Experiment, TrainOptions } from "../train/experiment";
import type { FitOptions } from "../train/fit";
import type { FitResult } from "../train/monitor";
import type { RunResult } from "../train/run-result";
import { inNotebook } from "./display";
import { liveFigure } from "./figures";
import { untilInterrupted } from "./interrupt";
import { progress, withProgress } from "./progress";

/**
 * Training's face: a progress bar with images a second, the loss and the score, and in a
 * notebook the curves as they grow.
 *
 * @returns callbacks for `fit`; `draw` for a history that is there already; `finish` for the end
 */
export function showTraining(): Pick<FitOptions, "onStep" | "onEpoch"> & {
  /** Draw a history that is there already, and mark its best epoch. */
  draw(fitted: Pick<FitResult, "history" | "bestEpoch">): void;
  /** Show the end, with a remark on how it came. */
  finish(remark?: string): void;
} {
  let bar: ReturnType<typeof progress> | undefined;
  let curves: ReturnType<typeof liveFigure> | undefined;
  let drawn = 0;
  let last = { done: 0, total: 0 };
  let best: number | undefined;
  const draw = (history: FitResult["history"], bestEpoch?: number) => {
    const epochs = history.epoch?.length ?? 0;
    const same = epochs === drawn && (bestEpoch === undefined || bestEpoch === best);
    if (!inNotebook() || same) return;
    [drawn, best] = [epochs, bestEpoch];
    curves ??= liveFigure();
    curves.update(trainingCurves(history, { bestEpoch }));
  };
  return {
    onStep({ epoch, done, total, means }) {
      bar ??= progress(total, "training");
      last = { done, total };
      bar.update(done, { epoch, ...means });
    },
    onEpoch: (_, history) => draw(history),
    draw: ({ history, bestEpoch }) => draw(history, bestEpoch),
    finish(remark) {
      const isEarly = remark === undefined && last.done < last.total;
      // Whoever stops early has done all there is to do.
      if (isEarly) bar?.update(last.done, undefined, last.done);
      bar?.finish(isEarly ? "stopped early: nothing got better" : remark);
      curves?.finish();
    },
  };
}

/**
 * Train in a cell or a terminal: {@link Experiment.train} with progress, the curves as they grow, and an
 * interrupt that stops after the step under way, writes a checkpoint and leaves the kernel usable. Running the cell
 * again goes on from there; a finished run is read from its folder.
 */
export async function train(
  experiment: Experiment,
  options: TrainOptions = {},
): Promise<FitResult> {
  const { state, differences } = experiment.state();
  if (state === "changed" && (options.ifExists ?? "auto") === "auto") {
    console.log(`the settings changed (${differences.join("; ")}): training begins anew`);
  }
  const shown = showTraining();
  let remark: string | undefined = "stopped; run it again to go on";
  try {
    const result = await untilInterrupted(
      (signal) => experiment.train({ ...shown, ...options, signal }),
      options.signal,
    );
    remark = undefined;
    // Of a finished run no epoch was done here, and only now it is known which epoch is kept.
    shown.draw(result);
    return result;
  } finally {
    shown.finish(remark);
  }
}

/**
 * Evaluate in a cell or a terminal: {@link Experiment.evaluate} with progress, and an interrupt that stops
 * it. A finished run is read from its folder.
 */
export async function evaluateRun<Table = Predictions, Values = Summary>(
  experiment: Experiment,
): Promise<RunResult<Table, Values>> {
  return withProgress("testing", (onProgress) =>
    untilInterrupted((signal) => experiment.evaluate<Table, Values>({ signal, onProgress })),
  );
}
