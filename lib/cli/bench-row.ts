import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors";
import type { Precision } from "../engine/start";
import { projectFolder } from "../io/paths";
import { median, torchPython, Worker } from "./bench-process";

/** What is measured, and how long. */
export interface BenchPlan {
  readonly model: string;
  readonly mode: "infer" | "train";
  readonly precision: Precision;
  /** Images at a time. */
  readonly batch: number;
  /** Turns of each side. */
  readonly rounds: number;
  /** About how long a round takes. */
  readonly seconds: number;
  /** Seconds after which no other form is tried and no other round begun, but for the first. Default: any. */
  readonly budget?: number;
  readonly device: "cpu" | "cuda";
  /** Whether PyTorch's compiled forms are tried, each of which takes up to a minute to start. */
  readonly compiledForms: boolean;
}

/** One line of the table. */
export interface BenchRow extends Pick<BenchPlan, "model" | "mode" | "precision" | "batch"> {
  /** How many turns each side had. */
  readonly rounds: number;
  /** Medians over the rounds. */
  readonly oursImagesPerSecond: number;
  readonly torchImagesPerSecond: number;
  readonly ratio: number;
  /** Half the range of the rounds, relative to the median: how far to trust the ratio. */
  readonly spread: number;
  readonly oursPeakBytes: number;
  readonly torchPeakBytes: number;
  readonly firstStepSeconds: number;
  /** PyTorch's fastest form, which the row is about. */
  readonly torchForm: string;
  /** Images a second of each form that ran, in a round of its own; other programs after PyTorch's. */
  readonly forms: Readonly<Record<string, number>>;
  /** Why the others did not run. */
  readonly failedForms: Readonly<Record<string, string>>;
}

const formsSchema = z.object({ pytorch: z.array(z.string()).min(1), others: z.array(z.string()) });

/** How many times as long a step takes for a form to be left after one. */
const CLEARLY_SLOWER = 2;

const script = () => join(projectFolder(), "tools", "bench", "torch_worker.py");

/** The forms that the other side has on this machine. */
function formsOf(plan: BenchPlan): z.infer<typeof formsSchema> {
  const { mode, precision, device, compiledForms } = plan;
  const args = [script(), "--forms", mode, precision, device, ...(compiledForms ? [] : ["quick"])];
  const { stdout, stderr } = spawnSync(torchPython(), args, { encoding: "utf8" });
  try {
    return formsSchema.parse(JSON.parse(stdout));
  } catch {
    throw new UserError(
      `PyTorch's side did not say which forms it has: ${(stderr || stdout).trim().slice(-300)}`,
      "run `npm run bench:setup` again",
    );
  }
}

/**
 * Our speed beside that of PyTorch's fastest form, in turns (A B A B …).
 *
 * Every form is timed for a round first, or for one step where that is clearly slower; the fastest stays,
 * frozen while it is not its turn.
 *
 * @throws UserError when a side does not run at all.
 */
export async function measureRow(plan: BenchPlan): Promise<BenchRow> {
  const {
    model,
    mode,
    precision,
    batch,
    rounds,
    seconds,
    budget = Number.POSITIVE_INFINITY,
  } = plan;
  const start = performance.now();
  const spent = (share = 1) => performance.now() - start > 1000 * budget * share;
  const args = [model, mode, precision, String(batch)];
  const worker = join(__dirname, "bench-worker.js");
  const ours = await Worker.start("our process", process.execPath, [worker, ...args]);
  let best: { form: string; time: number; worker: Worker } | undefined;
  try {
    // As many steps a round as take about the seconds asked for.
    const steps = Math.max(1, Math.round(seconds / (await ours.round(1))));
    const speed = (time: number) => (batch * steps) / time;
    const forms: Record<string, number> = {};
    const failedForms: Record<string, string> = {};
    const { pytorch, others } = formsOf(plan);
    for (const form of [...pytorch, ...others]) {
      if (best && spent(0.5)) {
        failedForms[form] = "not tried, for want of time";
        continue;
      }
      let other: Worker | undefined;
      try {
        const torchArgs = [script(), ...args, plan.device, form];
        other = await Worker.start(`PyTorch (${form})`, torchPython(), torchArgs);
        const most = best ? CLEARLY_SLOWER * best.time : Number.POSITIVE_INFINITY;
        let one = steps * (await other.round(1));
        // It may still have compiled.
        if (one > most) one = steps * (await other.round(1));
        const time = one > most ? one : await other.round(steps);
        forms[form] = speed(time);
        if (others.includes(form) || (best && best.time <= time)) other.end();
        else {
          best?.worker.end();
          best = { form, time, worker: other };
        }
      } catch (error) {
        other?.end();
        failedForms[form] = error instanceof Error ? error.message : String(error);
      }
    }
    if (best === undefined)
      throw new UserError(
        `no form of PyTorch ran ${model}: ${Object.values(failedForms)[0]}`,
        "see the message; a smaller --batch needs less memory",
      );
    const speeds: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds && (round === 0 || !spent()); round++) {
      speeds[0].push(speed(await ours.round(steps)));
      speeds[1].push(speed(await best.worker.round(steps)));
    }
    const [own, torch] = speeds.map(median);
    const spreads = speeds.map((l) => (Math.max(...l) - Math.min(...l)) / 2 / median(l));
    return {
      model,
      mode,
      precision,
      batch,
      rounds: speeds[0].length,
      oursImagesPerSecond: own,
      torchImagesPerSecond: torch,
      ratio: own / torch,
      spread: Math.max(...spreads),
      oursPeakBytes: ours.peakBytes,
      torchPeakBytes: best.worker.peakBytes,
      firstStepSeconds: Number(ours.ready.split(" ")[1]),
      torchForm: best.form,
      forms,
      failedForms,
    };
  } finally {
    ours.end();
    best?.worker.end();
  }
}

const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2);

/** The rows as a Markdown table. */
export function benchTable(rows: readonly BenchRow[]): string {
  const head =
    "| model | mode | precision | batch | ours, images/s | PyTorch | its form | ratio | rounds | spread | ours, GB | PyTorch | first step, s |";
  const lines = rows.map((row) => {
    const cells = [
      row.model,
      row.mode,
      row.precision,
      row.batch,
      row.oursImagesPerSecond.toFixed(1),
      row.torchImagesPerSecond.toFixed(1),
      row.torchForm,
      row.ratio.toFixed(2),
      row.rounds,
      `±${(100 * row.spread).toFixed(0)} %`,
      gigabytes(row.oursPeakBytes),
      gigabytes(row.torchPeakBytes),
      row.firstStepSeconds.toFixed(1),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [head, `|${" --- |".repeat(13)}`, ...lines].join("\n");
}
