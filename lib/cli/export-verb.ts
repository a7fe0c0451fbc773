import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { exportSavedModel } from "../engine/export-function";
import { startEngine } from "../engine/start";
import { makeFolder } from "../io/atomic";
import { saveModel } from "../models/model-file";
import { exportWeb } from "../notebook/export-web";
import { answerFunction } from "../predict/answers";
import { taskFromDescription } from "../tasks/registry";
import { openTrainedModel } from "../train/experiment-model";
import { RunFolder } from "../train/run-folder";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "A trained model as files for other programs",
  details: [
    "safetensors: model.safetensors under timm's names, for PyTorch.",
    "savedmodel: a TensorFlow SavedModel: images uint8-valued float32 [N, height, width, 3], 0 to 255, to probabilities [N, classes]; N is --batch.",
    "web: model.json and shards for a browser, with checksums, calibrated on the validation galaxies.",
  ].join("\n"),
  options: {
    run: { type: "text", value: "RUN", help: "A run's folder.", required: "results/quickstart" },
    out: { type: "text", value: "DIR", help: "Folder of what is written.", required: "exported" },
    format: {
      type: "choice",
      choices: ["safetensors", "savedmodel", "web"],
      help: "What is written.",
      default: "safetensors",
    },
    batch: {
      type: "integer",
      value: "N",
      help: "Images at a time, of a SavedModel: 1 unless said.",
      least: 1,
    },
    half: { type: "flag", help: "Store float16, in half the bytes; not of a SavedModel." },
  },
  async run({ run: path, out, format, batch, half }) {
    const run = new RunFolder(path);
    if (batch !== undefined && format !== "savedmodel") {
      throw new UserError("--batch is for --format savedmodel", "leave it out");
    }
    if (half && format === "savedmodel") {
      throw new UserError("--half is for --format safetensors and web", "leave it out");
    }
    if (format === "web") {
      for (const line of await exportWeb(run, out, half)) say(line);
      return undefined;
    }
    await startEngine();
    const { model, description } = await openTrainedModel(run);
    try {
      makeFolder(out);
      if (format === "safetensors") {
        saveModel(model, join(out, "model.safetensors"), description, half);
      } else {
        const { task } = description;
        if (task === undefined) {
          throw new UserError(`${run.path} does not say what was asked`, "train it again");
        }
        const answer = answerFunction(model, taskFromDescription(task));
        exportSavedModel((images: tf.Tensor) => [answer(images)], out, {
          inputs: [{ name: "images", shape: [batch ?? 1, ...model.inputSize, 3] }],
          outputs: ["probabilities"],
          variables: [...model.parameters.values()].map(({ variable }) => variable),
        });
      }
      say(`${model.name}, ${model.numClasses} classes, as ${format}: ${out}`);
    } finally {
      model.dispose();
    }
    return undefined;
  },
});
