import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { exportSavedModel } from "../engine/export";
import { startEngine } from "../engine/start";
import { saveModel } from "../models/model-file";
import { writeWebModel } from "../models/web-format";
import { predictFunction } from "../predict/predict";
import { taskFromDescription } from "../tasks/registry";
import { openTrainedModel } from "../train/experiment-model";
import { RunFolder } from "../train/run-folder";
import { integerOption, requiredOption, textOption, type Verb } from "./verb";

export const verb: Verb = {
  summary: "A trained model as files for other programs",
  usage: `--run RUN --out DIR [--format safetensors|savedmodel|web] [--batch N] [--half]

  safetensors     model.safetensors under timm's names, for PyTorch (the default)
  savedmodel      a TensorFlow SavedModel: images uint8-valued float32 [N, height, width, 3], 0 to 255,
                  to probabilities [N, classes]; N is --batch, default 1
  web             model.json and shards for a browser; --half stores float16`,
  options: {
    run: { type: "string" },
    out: { type: "string" },
    format: { type: "string" },
    batch: { type: "string" },
    half: { type: "boolean" },
  },
  async run(args) {
    const run = new RunFolder(requiredOption(args, "run", "results/quickstart"));
    const out = requiredOption(args, "out", "exported");
    const format = textOption(args, "format") ?? "safetensors";
    const batch = integerOption(args, "batch", 1, 1);
    if (!["safetensors", "savedmodel", "web"].includes(format)) {
      throw new UserError(`"${format}" is no format`, "take safetensors, savedmodel or web");
    }
    await startEngine();
    const { model, description } = await openTrainedModel(run);
    try {
      mkdirSync(out, { recursive: true });
      if (format === "safetensors") {
        saveModel(model, join(out, "model.safetensors"), description);
      } else if (format === "web") {
        writeWebModel(model, out, description, { half: args.values.half === true });
      } else {
        const { task } = description;
        if (task === undefined) {
          throw new UserError(`${run.path} does not say what was asked`, "train it again");
        }
        const answer = predictFunction(model, taskFromDescription(task).activate);
        exportSavedModel((images: tf.Tensor) => [answer(images)], out, {
          inputs: [{ name: "images", shape: [batch, ...model.inputSize, 3] }],
          outputs: ["probabilities"],
          variables: [...model.parameters.values()].map(({ variable }) => variable),
        });
      }
      console.log(`${model.name}, ${model.numClasses} classes, as ${format}: ${out}`);
    } finally {
      model.dispose();
    }
    return undefined;
  },
};
