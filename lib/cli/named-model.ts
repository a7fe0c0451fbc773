import { UserError } from "../core/errors";
import { startEngine } from "../engine/start";
import { loadWeights } from "../models/model-file";
import { createModel } from "../models/registry";
import { openTrainedModel } from "../train/experiment-model";
import { RunFolder } from "../train/run-folder";
import type { Values } from "./verb";

/** Options of the verbs that ask a trained model: a run, or an architecture with weights. */
export const modelOptions = {
  run: { type: "text", value: "RUN", help: "A run's folder: its best weights, its settings." },
  model: { type: "text", value: "NAME", help: "Without a run: the architecture." },
  weights: { type: "text", value: "FILE", help: "Without a run: a safetensors file." },
  classes: { type: "integer", value: "N", help: "Without a run: how many classes.", least: 1 },
} as const;

/**
 * The model that these options name, and the run's own settings.
 *
 * @throws UserError when neither a run nor a model with weights is named, or both are
 */
export async function namedModel({ run, model, weights, classes }: Values<typeof modelOptions>) {
  const others = Object.entries({ model, weights, classes });
  if (run !== undefined) {
    const [too] = others.filter(([, value]) => value !== undefined);
    if (too !== undefined) {
      throw new UserError(`--run and --${too[0]} exclude each other`, "leave one of them out");
    }
    await startEngine();
    return openTrainedModel(new RunFolder(run));
  }
  if (model === undefined || weights === undefined || classes === undefined) {
    const [missing] = others.find(([, value]) => value === undefined) ?? [];
    const none = others.every(([, value]) => value === undefined);
    throw new UserError(
      none ? "--run is missing" : `--${missing} is missing`,
      "give --run RUN, or --model NAME --weights FILE --classes N",
    );
  }
  await startEngine();
  const created = createModel(model, { numClasses: classes });
  loadWeights(created, weights);
  return { model: created, experiment: undefined };
}
