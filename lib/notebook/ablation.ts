import type { AblationTable } from "../evaluate/ablation";
import { type AblationTraining, runAblation } from "../train/ablation";
import { inNotebook } from "./display";
import { untilInterrupted } from "./interrupt";
import { showTraining } from "./training";

const BECAUSE = {
  finished: "is finished",
  interrupted: "goes on",
  changed: "is made anew",
  new: "begins",
} as const;

/**
 * Run an ablation in a cell or a terminal: a line and a progress bar a training, and an interrupt that
 * stops after the step under way. Running it again goes on from there.
 */
export async function ablate(
  trainings: readonly AblationTraining[],
  out: string,
): Promise<AblationTable> {
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
          // In a terminal standard output is for the table alone.
          const say = inNotebook() ? console.log : console.error;
          say(`${index + 1}/${total} ${name} ${BECAUSE[state]}${why}`);
        },
        onStep: (report) => shown?.onStep?.(report),
        onEpoch: inNotebook() ? (row, history) => shown?.onEpoch?.(row, history) : undefined,
      }),
    );
    remark = undefined;
    return table;
  } finally {
    shown?.finish(remark);
  }
}
