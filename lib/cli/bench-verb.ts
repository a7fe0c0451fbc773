import { cpus } from "node:os";
import { UserError } from "../core/errors";
import { multipliesBfloat16 } from "../engine/native";
import { type Precision, startEngine } from "../engine/start";
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
const PRECISIONS = ["float32", "mixed_bfloat16", "bfloat16_products"] as const;

/** Seconds that `--quick` takes on any machine: shared out among the rows; what finds none left is left out. */
const QUICK = 300;

/** In which numbers one mode is timed; those that only predictions have, where the processor gains by them. */
function precisionsOf(mode: (typeof MODES)[number]): readonly Precision[] {
  const products = mode === "infer" && multipliesBfloat16();
  return products ? PRECISIONS : PRECISIONS.filter((name) => name !== "bfloat16_products");
}

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
    precision: {
      type: "choice",
      choices: PRECISIONS,
      help: "In what numbers; bfloat16_products are for predictions. Default: all that the processor has.",
    },
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
      help: "One row a family in some five minutes on any machine, unless said otherwise: predictions of 4 images in float32, two rounds of a second, or one where that takes too long; PyTorch's compiled forms are left out.",
    },
    json: { type: "flag", help: "The rows for programs." },
  },
  async run({ model: asked, quick, json, rounds, seconds, ...only }) {
    const engine = await startEngine();
    torchPython();
    if (only.precision === "bfloat16_products" && only.mode === "train")
      throw new UserError(
        "bfloat16_products is for predictions, and the mode is train",
        "choose mixed_bfloat16 or float32",
      );
    const products = only.precision === "bfloat16_products";
    const modes = only.mode ? [only.mode] : MODES.slice(0, quick || products ? 1 : 2);
    const plans = (asked.length > 0 ? asked : MODELS).flatMap((model) =>
      modes.flatMap((mode) =>
        (only.precision ? [only.precision] : precisionsOf(mode).slice(0, quick ? 1 : 3)).flatMap(
          (precision) =>
            (only.batch ? [only.batch] : quick ? [4] : BATCHES[mode]).map((batch) => {
              return { model, mode, precision, batch };
            }),
        ),
      ),
    );
    const rows: BenchRow[] = [];
    const start = performance.now();
    for (const [i, plan] of plans.entries()) {
      const gone = (performance.now() - start) / 1000;
      const left = QUICK - gone;
      // Half a row more than there is time for, at most.
      if (quick && i > 0 && left < gone / i / 2) {
        const names = plans.slice(i).map(({ model }) => model);
        process.stderr.write(`left out, for want of time: ${names.join(", ")}; see --model\n`);
        break;
      }
      const { model, mode, precision, batch } = plan;
      process.stderr.write(`${model}, ${mode}, ${precision}, batch ${batch} …\n`);
      const row = await measureRow({
        ...plan,
        rounds: rounds ?? (quick ? 2 : 5),
        seconds: seconds ?? (quick ? 1 : 4),
        budget: quick ? left / (plans.length - i) : undefined,
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
        `${cpus().length} × ${name} (${engine.processor ?? engine.device}), Node ${process.versions.node}, ${engine.version}\n`,
      );
      say(benchTable(rows));
    }
    return undefined;
  },
});
