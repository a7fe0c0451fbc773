import { createInterface } from "node:readline";
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "../core/random";
import { augment, parseAugmentation } from "../data/augment";
import { batches, type HostBatch } from "../data/loader";
import { openDataset } from "../data/open";
import { compile } from "../engine/compile";
import { unitRange, upload } from "../engine/ops/pixels";
import { startEngine } from "../engine/start";

/**
 * Our side of `tuning-fork bench-data`: batches from the data room, augmented by a compiled step.
 *
 * Arguments: SPEC BATCH. Says `ready`, then answers each line, a number of batches, with the seconds
 * they took. Every image is decoded, cropped to its middle 224 pixels, mirrored and rotated.
 */
async function main([spec, batchText]: readonly string[]): Promise<void> {
  await startEngine();
  const batchSize = Number(batchText);
  const dataset = await openDataset(spec, { crop: 224, size: 224 });
  const random = new Random(0, "bench");
  const augmentation = parseAugmentation({ flip: true, quarterTurns: true, rotation: 180 });
  const { call } = compile(
    {
      prepare: (images, seed) => tf.sum(augment(unitRange(images), seed, augmentation)),
    },
    { variables: [] },
  );
  async function* forever(): AsyncGenerator<HostBatch> {
    const rows = Uint32Array.from({ length: dataset.size }, (_, row) => row);
    for (;;) yield* batches(dataset, rows, { batchSize, shuffle: random, dropLast: true });
  }
  const source = forever();
  const step = async () => {
    const { value } = await source.next();
    const inputs = [
      upload(value.images, [batchSize, 224, 224]),
      tf.tensor1d([random.uint32() | 0, random.uint32() | 0], "int32"),
    ];
    const result = call.prepare(inputs[0], inputs[1]);
    result.dataSync();
    tf.dispose([...inputs, result]);
  };
  for (let i = 0; i < 6; i++) await step();
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const from = performance.now();
    for (let i = 0; i < Number(line); i++) await step();
    console.log((performance.now() - from) / 1000);
  }
}

void main(process.argv.slice(2));
