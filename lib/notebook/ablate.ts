import { basename, extname } from "node:path";
import type { AblationTable } from "../evaluate/ablation-table";
import { resultsFolder } from "../io/paths";
import { runAblation } from "../train/ablation";
import { loadAblation } from "../train/ablation-config";
import type { ConfigFileOptions } from "../train/config-file";
import { inNotebook } from "./display";
import { untilInterrupted } from "./interrupt";
import { showTraining } from "./training";

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
 * Read an ablation's file and run what is left of it, in a cell or a terminal: a line and a progress bar a
 * training, and an interrupt that stops after the step under way. Running it again goes on from there, with
 * the file as it is then. A row that fails is told of, and the others go on.
 *
 * @param path YAML: an experiment and, under `ablation`, what each row changes about it.
 * @throws UserError naming the file and each key that is wrong
 */
export async function ablate(
  path: string,
  { out = resultsFolder(basename(path, extname(path))), ...options }: AblateOptions = {},
): Promise<AblationTable> {
  const trainings = loadAblation(path, options);
  // In a terminal standard output is for the table alone.
  const say = inNotebook() ? console.log : console.error;
  let shown: ReturnType<typeof showTraining> | undefined;
  let remark: string | undefined = "stopped; run it again to go on";
  try {
    const table = await untilInterrupted((signal) =>
      runAblation(trainings, out, {
        signal,
        onTraining({ name, index, total, state, differences }) {
          shown?.finish();
          shown = state === "finished" ? undefined : showTraining();
          const why = differences.length > 0 ? ` (${differences.join("; ")})` : "";
          say(`${index + 1}/${total} ${name} ${BECAUSE[state]}${why}`);
        },
        onFailure(name, error) {
          shown?.finish("failed");
          shown = undefined;
          console.error(`✗ ${name}: ${error instanceof Error ? error.message : error}`);
        },
        onStep: (report) => shown?.onStep?.(report),
        onEpoch: (row, history) => shown?.onEpoch?.(row, history),
      }),
    );
    remark = undefined;
    return table;
  } finally {
    shown?.finish(remark);
  }
}
