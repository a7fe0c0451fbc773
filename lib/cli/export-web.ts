import { UserError } from "../core/errors";
import type { Predictions } from "../evaluate/predictions";
import { fitTemperature } from "../evaluate/temperature";
import type { LoadedModel } from "../models/model-file";
import { writeWebModel } from "../models/web-format";
import { predict } from "../predict/network-predictor";
import type { PredictionTable } from "../tasks/task";
import { openSplit } from "../train/experiment-data";
import { openTrainedModel } from "../train/experiment-model";
import type { RunFolder } from "../train/run-folder";
import { say } from "./verb";

/**
 * Write the best model of a run for a browser, its probabilities calibrated on the run's validation
 * galaxies where there are such.
 *
 * @param half Store float16.
 */
export async function exportWeb(run: RunFolder, out: string, half: boolean): Promise<void> {
  const trained = await openTrainedModel(run);
  try {
    const { model, description } = trained;
    const temperature = await calibrate(run, trained);
    // The page is told one temperature, of single looks: that of the run may be of eight.
    const task = description.task && { ...description.task, calibration: undefined };
    writeWebModel(model, out, { ...description, task }, { half, temperature });
    say(`${model.name}, ${model.numClasses} classes, as web: ${out}`);
  } finally {
    trained.model.dispose();
  }
}

/** Temperature of the probabilities; undefined, and said why, where it cannot be known. */
async function calibrate(
  run: RunFolder,
  { model, experiment }: LoadedModel & Pick<Trained, "experiment">,
): Promise<number | undefined> {
  try {
    const { dataset, task, val } = await openSplit(experiment, { run });
    try {
      // As the page asks it: without test-time augmentation.
      const table = await predict(model, task, dataset, val);
      if (!hasProbabilities(table)) return undefined;
      const temperature = fitTemperature(table);
      say(`calibrated on ${val.length} validation galaxies: temperature ${temperature.toFixed(3)}`);
      return temperature;
    } finally {
      await dataset.close();
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(`the probabilities are not calibrated: ${error.problem}`);
    return undefined;
  }
}

type Trained = Awaited<ReturnType<typeof openTrainedModel>>;

function hasProbabilities(table: PredictionTable): table is Predictions {
  return "probabilities" in table;
}
