import { basename, extname } from "node:path";
import type { AblationTable } from "../evaluate/ablation-table";
import { resultsFolder } from "../io/paths";
import { trainingCurves } from "../plots/training-curves";
import { type AblationOptions, runAblation } from "../train/ablation";
import { loadAblation } from "../train/ablation-config";
import type { ConfigFileOptions } from "../train/config-file";
import { inNotebook } from "./display";
import { type LiveFigure, liveFigure } from "./figures";
import { untilInterrupted } from "./interrupt";
import { progress } from "./progress";

const BECAUSE = {
  finished: "is finished",
  interrupted: "goes on",
  changed: "is made anew",
  new: "begins",
} as const;

/** How {@link ablate} reads its file, and where the runs go. */
export interface AblateOptions extends ConfigFileOptions {
  /** Folder of the runs and of the table. Default: `results/FILE`, by the config file's name. */
  readonly out?: string;
}

/**
 * Read an ablation's file and run what is left of it, in a cell or a terminal: one bar with the time that
 * all of it still takes, in a notebook one figure, of the training under way, a line a training, and an
 * interrupt that stops after the step under way. Running it again goes on from there, with the file as it
 * is then. A row that fails is told of, and the others go on.
 *
 * @param path YAML: an experiment and, under `ablation`, what each row changes about it.
 * @throws UserError naming the file and each key that is wrong
 */
export async function ablate(
  path: string,
  { out = resultsFolder(basename(path, extname(path))), ...options }: AblateOptions = {},
): Promise<AblationTable> {
  const trainings = loadAblation(path, options);
  const shown = showAblation(trainings.length);
  let remark: string | undefined = "stopped; run it again to go on";
  try {
    const table = await untilInterrupted((signal) =>
      runAblation(trainings, out, { signal, ...shown }),
    );
    remark = undefined;
    return table;
  } finally {
    shown.finish(remark);
  }
}

/**
 * An ablation's face.
 *
 * @param trainings How many there are.
 * @returns callbacks for `runAblation`; `finish` for the end, with a remark on how it came
 */
export function showAblation(trainings: number): Required<
  Pick<AblationOptions, "onTraining" | "onFailure" | "onStep" | "onEpoch">
> & {
  finish(remark?: string): void;
} {
  // In a terminal standard output is for the table alone.
  const say = inNotebook() ? console.log : console.error;
  // Trainings differ in length: only the mean of all tells how long the rest takes.
  const bar = progress(trainings, "ablation", { unit: "trainings", windowSeconds: Infinity });
  let curves: LiveFigure | undefined;
  let current: string | undefined;
  // Those that were finished before say nothing of the time that the others take.
  let [done, count] = [0, trainings];
  const isOver = () => {
    if (current !== undefined) done++;
    current = undefined;
    bar.update(done, {}, count);
  };
  return {
    onTraining({ name, index, total, state, differences }) {
      isOver();
      if (state === "finished") bar.update(done, {}, --count);
      else {
        current = name;
        // Its place is above the lines of all trainings.
        if (inNotebook()) curves ??= liveFigure();
      }
      const why = differences.length > 0 ? ` (${differences.join("; ")})` : "";
      say(`${index + 1}/${total} ${name} ${BECAUSE[state]}${why}`);
    },
    onFailure(name, error) {
      console.error(`✗ ${name}: ${error instanceof Error ? error.message : error}`);
    },
    // The test comes after the last step.
    onStep: ({ epoch, done: images, total, means }) =>
      bar.update(done + Math.min(0.99, images / total), { epoch, ...means }, count),
    onEpoch: (_, history) => curves?.update(trainingCurves(history, { run: current })),
    finish(remark) {
      if (remark === undefined) isOver();
      bar.finish(remark);
      curves?.finish();
    },
  };
}
