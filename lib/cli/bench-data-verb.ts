import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeGalaxy10 } from "../data/galaxy10";
import { labelsOf } from "../data/labels";
import { batches } from "../data/loader";
import { openDataset } from "../data/open";
import { startEngine } from "../engine/start";
import { projectFolder, stateFolder } from "../io/paths";
import { createModel } from "../models/registry";
import { createTask } from "../tasks/registry";
import { parseConfig, trainConfigSchema } from "../train/config";
import { trainingParts } from "../train/learn-from";
import { stagesOf } from "../train/stages";
import { Trainer } from "../train/trainer";
import { median, torchPython, Worker } from "./bench-process";
import { defineVerb, say } from "./verb";

const BATCH = 32;

/** The folder's galaxies as an HDF5 file in Galaxy10's layout, 256 pixels wide, made once. */
async function asHdf5(folder: string): Promise<string> {
  const path = stateFolder("bench-data.h5");
  if (existsSync(path)) return path;
  const dataset = await openDataset(folder, { size: 256 });
  const rows = Uint32Array.from({ length: dataset.size }, (_, row) => row);
  async function* blocks() {
    for await (const { images, rows: chosen } of batches(dataset, rows, { batchSize: 64 })) {
      yield { images, labels: labelsOf(dataset, chosen) };
    }
  }
  await writeGalaxy10(path, [256, 256], blocks());
  return path;
}

/** How much of a ViT-S/16 training epoch is spent waiting for galaxies. */
async function starvation(folder: string, steps: number): Promise<number> {
  const dataset = await openDataset(folder, { crop: 224, size: 224 });
  const config = parseConfig(trainConfigSchema, { batchSize: 16 });
  const model = createModel("vit_small_patch16_224", { numClasses: dataset.classNames.length });
  const rows = Uint32Array.from({ length: dataset.size }, (_, row) => row);
  const context = {
    model,
    task: createTask(dataset),
    dataset,
    rows,
    batchesPerEpoch: steps,
    validationBatch: 0,
    parts: trainingParts(model, config.batchSize),
  };
  const trainer = new Trainer(context, config, stagesOf(config, steps)[0]);
  const source = batches(dataset, rows, { batchSize: 16, dropLast: true });
  let [waited, started] = [0, 0];
  for (let step = 0; step < steps + 2; step++) {
    // The first step records, the second reads ahead.
    if (step === 2) [waited, started] = [0, performance.now()];
    const from = performance.now();
    const { value, done } = await source.next();
    waited += performance.now() - from;
    if (done) break;
    trainer.step(value, 1e-4, step);
    await new Promise(setImmediate);
  }
  return waited / (performance.now() - started);
}

export const verb = defineVerb({
  summary: "Speed of loading beside PyTorch's DataLoader, in the same run",
  details:
    "JPEG files of a folder of class folders, and the same as HDF5: decode, crop to 224, mirror, rotate. Two workers of PyTorch's DataLoader with Pillow and h5py against our loader and a compiled step; then the share of a ViT-S/16 training epoch that waits for galaxies.",
  options: {
    folder: { type: "text", value: "DIR", help: "Class folders.", required: "data/galaxies" },
    rounds: { type: "integer", value: "N", help: "Turns of each side.", default: 5, least: 1 },
    batches: { type: "integer", value: "N", help: "Batches a round.", default: 12, least: 1 },
    json: { type: "flag", help: "The numbers for programs." },
  },
  async run({ folder, rounds, batches: perRound, json }) {
    const python = torchPython();
    await startEngine();
    const sources = { jpeg: folder, hdf5: await asHdf5(folder) };
    const rows = [];
    for (const [kind, path] of Object.entries(sources)) {
      const script = join(__dirname, "bench-data-worker.js");
      const ours = await Worker.start("our loader", process.execPath, [script, path, `${BATCH}`]);
      const loader = [
        join(projectFolder(), "tools", "bench", "torch_loader.py"),
        kind,
        path,
        `${BATCH}`,
      ];
      let torch: Worker | undefined;
      const times: [number[], number[]] = [[], []];
      try {
        torch = await Worker.start("PyTorch's loader", python, loader);
        for (let round = 0; round < rounds; round++) {
          times[0].push(await ours.round(perRound));
          times[1].push(await torch.round(perRound));
        }
      } finally {
        ours.end();
        torch?.end();
      }
      const [own, other] = times.map((list) => (perRound * BATCH) / median(list));
      rows.push({
        kind,
        oursImagesPerSecond: own,
        torchImagesPerSecond: other,
        ratio: own / other,
      });
    }
    const waiting = await starvation(folder, 12);
    if (json) say(JSON.stringify({ loaders: rows, waiting }, null, 2));
    else {
      say("| source | ours, images/s | PyTorch | ratio |\n| --- | --- | --- | --- |");
      for (const { kind, oursImagesPerSecond, torchImagesPerSecond, ratio } of rows) {
        const cells = [oursImagesPerSecond, torchImagesPerSecond].map((x) => x.toFixed(0));
        say(`| ${kind} | ${cells.join(" | ")} | ${ratio.toFixed(2)} |`);
      }
      say(`\nViT-S/16 training waits for galaxies ${(100 * waiting).toFixed(1)} % of the time.`);
    }
    return undefined;
  },
});
