import { cpus } from "node:os";
import { join } from "node:path";
import { startEngine } from "../engine/start";
import { projectFolder } from "../io/paths";
import { median, torchPython, Worker } from "./bench-process";
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

/** One line of the table. */
interface Row {
  readonly model: string;
  readonly mode: (typeof MODES)[number];
  readonly precision: (typeof PRECISIONS)[number];
  readonly batch: number;
  /** Medians over the rounds. */
  readonly oursImagesPerSecond: number;
  readonly torchImagesPerSecond: number;
  readonly ratio: number;
  /** Half the range of the rounds, relative to the median: how far to trust the ratio. */
  readonly spread: number;
  readonly oursPeakBytes: number;
  readonly torchPeakBytes: number;
  readonly firstStepSeconds: number;
}

/** What is measured, and how long. */
interface Plan {
  readonly model: string;
  readonly mode: Row["mode"];
  readonly precision: Row["precision"];
  readonly batch: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly device: string;
}

async function measure(plan: Plan): Promise<Row> {
  const { model, mode, precision, batch, rounds, seconds, device } = plan;
  const args = [model, mode, precision, String(batch)];
  const worker = join(__dirname, "bench-worker.js");
  const ours = await Worker.start("our process", process.execPath, [worker, ...args]);
  let torch: Worker | undefined;
  try {
    const script = join(projectFolder(), "tools", "bench", "torch_worker.py");
    torch = await Worker.start("PyTorch's process", torchPython(), [script, ...args, device]);
    // As many steps a round as take about the seconds asked for.
    const steps = Math.max(1, Math.round(seconds / (await ours.round(1))));
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      times[0].push(await ours.round(steps));
      times[1].push(await torch.round(steps));
    }
    const speeds = times.map((list) => list.map((t) => (batch * steps) / t));
    const [own, other] = speeds.map(median);
    const spread = Math.max(
      ...speeds.map((list) => (Math.max(...list) - Math.min(...list)) / 2 / median(list)),
    );
    return {
      model,
      mode,
      precision,
      batch,
      oursImagesPerSecond: own,
      torchImagesPerSecond: other,
      ratio: own / other,
      spread,
      oursPeakBytes: ours.peakBytes,
      torchPeakBytes: torch.peakBytes,
      firstStepSeconds: Number(ours.ready.split(" ")[1]),
    };
  } finally {
    ours.end();
    torch?.end();
  }
}

const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2);

function asTable(rows: readonly Row[]): string {
  const head =
    "| model | mode | precision | batch | ours, images/s | PyTorch | ratio | spread | ours, GB | PyTorch | first step, s |";
  const lines = rows.map((row) => {
    const cells = [
      row.model,
      row.mode,
      row.precision,
      row.batch,
      row.oursImagesPerSecond.toFixed(1),
      row.torchImagesPerSecond.toFixed(1),
      row.ratio.toFixed(2),
      `±${(100 * row.spread).toFixed(0)} %`,
      gigabytes(row.oursPeakBytes),
      gigabytes(row.torchPeakBytes),
      row.firstStepSeconds.toFixed(1),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [head, `|${" --- |".repeat(11)}`, ...lines].join("\n");
}

export const verb = defineVerb({
  summary: "Speed and memory beside PyTorch's, in the same run",
  details:
    "Ours and PyTorch's processes take turns (A B A B …), the other one frozen meanwhile; medians over the rounds. PyTorch comes from `npm run bench:setup`, or from the Python that BENCH_PYTHON names.",
  options: {
    model: {
      type: "text",
      value: "NAME",
      help: `An architecture. Default: one of every family, ${MODELS.join(", ")}.`,
      multiple: true,
    },
    mode: { type: "choice", choices: MODES, help: "What is timed. Default: both." },
    precision: { type: "choice", choices: PRECISIONS, help: "In what numbers. Default: both." },
    batch: { type: "integer", value: "N", help: "Images at a time.", default: 16, least: 1 },
    rounds: { type: "integer", value: "N", help: "Turns of each side.", default: 5, least: 1 },
    seconds: {
      type: "integer",
      value: "N",
      help: "About how long a round takes, seconds.",
      default: 4,
      least: 1,
    },
    json: { type: "flag", help: "The rows for programs." },
  },
  async run({ model: asked, mode: onlyMode, precision: onlyPrecision, json, ...plan }) {
    const engine = await startEngine();
    torchPython();
    const models = asked.length > 0 ? asked : MODELS;
    const rows: Row[] = [];
    for (const model of models)
      for (const precision of onlyPrecision ? [onlyPrecision] : PRECISIONS)
        for (const mode of onlyMode ? [onlyMode] : MODES) {
          process.stderr.write(`${model}, ${mode}, ${precision} …\n`);
          const row = await measure({
            model,
            mode,
            precision,
            ...plan,
            device: engine.name === "cuda" ? "cuda" : "cpu",
          });
          rows.push(row);
          if (!json) process.stderr.write(`  ratio ${row.ratio.toFixed(2)}\n`);
        }
    if (json) say(JSON.stringify(rows, null, 2));
    else {
      const [{ model: processor }] = cpus();
      say(`${cpus().length} × ${processor}, Node ${process.versions.node}, ${engine.version}\n`);
      say(asTable(rows));
    }
    return undefined;
  },
});
