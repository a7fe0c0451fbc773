import { cpus } from "node:os";
import { startEngine } from "../engine/start";
import { torchPython } from "./bench-process";
import { type BenchRow, benchTable, measureRow } from "./bench-row";
import { defineVerb, say } from "./verb";

/** One of every family. */
const MODELS = [
  "custom_cnn",
  "vit_small_patch16_224",
  "resnet50",
  "convnext_tiny",
  "vgg16_bn",
  "gz2_vit",
  "linformer",
  "cvt_13",
  "vit_small_patch14_dinov2",
  "efficientnetv2_s",
  "swinv2_tiny_window8_256",
  "regnety_080",
];
const MODES = ["infer", "train"] as const;
const PRECISIONS = ["float32", "mixed_bfloat16"] as const;

/** What nothing was said about: predictions of few and many images, training steps of one size. */
const BATCHES = { infer: [1, 16, 64], train: [16] } as const;

export const verb = defineVerb({
  summary: "Speed and memory beside PyTorch's, in the same run",
  details:
    "Ours and PyTorch's processes take turns (A B A B …), the other one frozen meanwhile; medians over the rounds. Of PyTorch's forms (eager, compiled, weights as constants, everything in bfloat16, zentorch) the fastest counts, and the row names it; `--json` has the speed of each, and of OpenVINO. PyTorch comes from `npm run bench:setup`, or from the Python that BENCH_PYTHON names.",
  options: {
    model: {
      type: "text",
      value: "NAME",
      help: `An architecture. Default: one of every family, ${MODELS.join(", ")}.`,
      multiple: true,
    },
    mode: { type: "choice", choices: MODES, help: "What is timed. Default: both." },
    precision: { type: "choice", choices: PRECISIONS, help: "In what numbers. Default: both." },
    batch: {
      type: "integer",
      value: "N",
      help: "Images at a time. Default: 1, 16 and 64 for predictions, 16 for training.",
      least: 1,
    },
    rounds: { type: "integer", value: "N", help: "Turns of each side. Default 5.", least: 1 },
    seconds: {
      type: "integer",
      value: "N",
      help: "About how long a round takes, seconds. Default 4.",
      least: 1,
    },
    quick: {
      type: "flag",
      help: "One row a family in some five minutes, unless said otherwise: predictions of 16 images in float32, two rounds of a second; PyTorch's compiled forms are left out.",
    },
    json: { type: "flag", help: "The rows for programs." },
  },
  async run({ model: asked, quick, json, rounds, seconds, ...only }) {
    const engine = await startEngine();
    torchPython();
    const precisions = only.precision ? [only.precision] : PRECISIONS.slice(0, quick ? 1 : 2);
    const modes = only.mode ? [only.mode] : MODES.slice(0, quick ? 1 : 2);
    const rows: BenchRow[] = [];
    for (const model of asked.length > 0 ? asked : MODELS)
      for (const precision of precisions)
        for (const mode of modes)
          for (const batch of only.batch ? [only.batch] : quick ? [16] : BATCHES[mode]) {
            process.stderr.write(`${model}, ${mode}, ${precision}, batch ${batch} …\n`);
            const row = await measureRow({
              model,
              mode,
              precision,
              batch,
              rounds: rounds ?? (quick ? 2 : 5),
              seconds: seconds ?? (quick ? 1 : 4),
              device: engine.name === "cuda" ? "cuda" : "cpu",
              compiledForms: !quick,
            });
            rows.push(row);
            if (json) continue;
            for (const [form, why] of Object.entries(row.failedForms))
              process.stderr.write(`  ${form} did not run: ${why}\n`);
            process.stderr.write(`  ratio ${row.ratio.toFixed(2)} to ${row.torchForm}\n`);
          }
    if (json) say(JSON.stringify(rows, null, 2));
    else {
      const [{ model: name }] = cpus();
      say(
        `${cpus().length} × ${name} (${engine.processor ?? engine.name}), Node ${process.versions.node}, ${engine.version}\n`,
      );
      say(benchTable(rows));
    }
    return undefined;
  },
});
