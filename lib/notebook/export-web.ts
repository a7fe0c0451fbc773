import { UserError } from "../core/errors";
import type { Predictions } from "../evaluate/predictions";
import { fitTemperature } from "../evaluate/temperature";
import { type Familiarity, fitFamiliarity } from "../models/familiarity";
import type { LoadedModel } from "../models/model-file";
import { writeWebModel } from "../models/web-format";
import { seenPictures } from "../predict/seen";
import type { PredictionTable } from "../tasks/task";
import { openSplit } from "../train/experiment-data";
import { openTrainedModel } from "../train/experiment-model";
import type { RunFolder } from "../train/run-folder";

/**
 * Write the best model of a run for a browser, with what the run's validation galaxies tell where there
 * are such: how sure its probabilities may be, and what a galaxy looks like to it.
 *
 * @param half Store float16.
 * @returns sentences on what was written
 */
export async function exportWeb(run: RunFolder, out: string, half: boolean): Promise<string[]> {
  const trained = await openTrainedModel(run);
  try {
    const { model, description } = trained;
    const { says, ...learned } = await askValidation(run, trained);
    // The page is told one temperature, of single looks: that of the run may be of eight.
    const task = description.task && { ...description.task, calibration: undefined };
    writeWebModel(model, out, { ...description, task }, { half, ...learned });
    return [...says, `${model.name}, ${model.numClasses} classes, as web: ${out}`];
  } finally {
    trained.model.dispose();
  }
}

interface Learned {
  readonly temperature?: number;
  readonly familiarity?: Familiarity;
  readonly says: readonly string[];
}

async function askValidation(
  run: RunFolder,
  { model, experiment }: LoadedModel & Pick<Trained, "experiment">,
): Promise<Learned> {
  const says: string[] = [];
  /** What can be known, or a sentence on why it cannot. */
  const attempt = <T>(problem: string, find: () => T): T | undefined => {
    try {
      return find();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      says.push(`${problem}: ${error.problem}`);
      return undefined;
    }
  };
  let split: Awaited<ReturnType<typeof openSplit>>;
  try {
    split = await openSplit(experiment, { run });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { says: [`the probabilities are not calibrated: ${error.problem}`] };
  }
  const { dataset, task, val } = split;
  try {
    // As the page asks it: without test-time augmentation.
    const { seen } = await seenPictures(model, task, { seen: [dataset, val] });
    const { table, features } = seen;
    const temperature = attempt("the probabilities are not calibrated", () =>
      hasProbabilities(table) ? fitTemperature(table) : undefined,
    );
    if (temperature !== undefined) {
      says.push(
        `calibrated on ${val.length} validation galaxies: temperature ${temperature.toFixed(3)}`,
      );
    }
    const familiarity = attempt("the page will not tell what is no galaxy", () =>
      fitFamiliarity(features.values, features.width),
    );
    return { temperature, familiarity, says };
  } finally {
    await dataset.close();
  }
}

type Trained = Awaited<ReturnType<typeof openTrainedModel>>;

function hasProbabilities(table: PredictionTable): table is Predictions {
  return "probabilities" in table;
}
