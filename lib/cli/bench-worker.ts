import { createInterface } from "node:readline";
import { Random } from "../core/random";
import type { Dataset } from "../data/dataset";
import { upload } from "../engine/ops/pixels";
import { type Precision, startEngine } from "../engine/start";
import { createModel } from "../models/registry";
import { answerFunction } from "../predict/answers";
import { compileNetwork } from "../predict/compile-network";
import { createTask } from "../tasks/registry";
import { parseConfig, trainConfigSchema } from "../train/config";
import { trainingParts } from "../train/learn-from";
import { stagesOf } from "../train/stages";
import { Trainer } from "../train/trainer";

/** Seconds of a first step. */
const SLOW = 3;

/**
 * Our side of `tuning-fork bench`: one model in one mode, timed round by round on request.
 *
 * Arguments: MODEL infer|train PRECISION BATCH. Says `ready`, with the seconds that the first compiled
 * step took; then answers each line, a number of steps, with the seconds they took.
 */
async function main([name, mode, precision, batchText]: readonly string[]): Promise<void> {
  await startEngine();
  const batch = Number(batchText);
  const classes = 10;
  const model = createModel(name, { numClasses: classes });
  const [height, width] = model.inputSize;
  const random = new Random(0, "bench");
  const pixels = Uint8Array.from({ length: batch * height * width * 3 }, () => random.integer(256));
  const labels = Int32Array.from({ length: batch }, () => random.integer(classes));
  const rows = Uint32Array.from({ length: batch }, (_, i) => i);
  const config = parseConfig(trainConfigSchema, {
    ...(mode === "train" ? { precision } : {}),
    augmentation: "none",
    optimizer: { learningRate: 1e-4, weightDecay: 0.05 },
  });
  const dataset: Dataset = {
    name: "bench",
    classNames: Array.from({ length: classes }, (_, c) => `class ${c}`),
    table: { id: Array.from(rows, String), label: labels },
    size: batch,
    view: {},
    imageSize: [height, width],
    read: async () => pixels,
    close: async () => {},
  };
  const context = {
    model,
    task: createTask(dataset),
    dataset,
    rows,
    batchesPerEpoch: 1,
    validationBatch: 0,
    parts: trainingParts(model, batch),
  };
  const step = mode === "train" ? train() : infer();
  const start = performance.now();
  step();
  const first = (performance.now() - start) / 1000;
  // Where a step takes seconds, one is enough to warm up.
  for (let i = 0; i < 2 && first < SLOW; i++) step();
  console.log(`ready ${first}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const from = performance.now();
    for (let i = 0; i < Number(line); i++) step();
    console.log((performance.now() - from) / 1000);
  }

  function train(): () => void {
    const trainer = new Trainer(context, config, stagesOf(config, 1)[0]);
    let count = 0;
    return () => trainer.step({ images: pixels, rows }, 1e-4, count++);
  }

  function infer(): () => void {
    const images = upload(pixels, [batch, height, width]);
    const functions = { answers: answerFunction(model, context.task) };
    const compiled = compileNetwork(model, functions, precision as Precision);
    const call = compiled.callFor(batch, Number.POSITIVE_INFINITY);
    return () => {
      const result = call.answers(images);
      result.dataSync();
      result.dispose();
    };
  }
}

void main(process.argv.slice(2));
