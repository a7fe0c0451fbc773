import type { Dataset } from "../data/dataset";
import { countConfusion } from "../evaluate/confusion";
import { type Predictions, probabilitiesOf } from "../evaluate/predictions";
import { EventFile } from "../io/event-file";
import type { HistoryRow } from "./checkpoint";
import { settingsColumns, type TrainConfig } from "./config";
import type { RunFolder } from "./run-folder";

/** What a tracker is told at the end of an epoch. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** The epoch's row of the history. */
  readonly values: HistoryRow;
  readonly learningRate: number;
  /** On the validation split, where this epoch was evaluated, with the rows in the same order. */
  readonly validation?: { readonly predictions: Predictions; readonly rows: ArrayLike<number> };
  readonly dataset: Dataset;
}

/** Follows a run: TensorBoard, MLflow, or whatever else keeps a record of experiments. */
export interface Tracker {
  /** @param settings The run's config, key by key. */
  begin(settings: ReturnType<typeof settingsColumns>): Promise<void>;
  epoch(record: EpochRecord): Promise<void>;
  end(status: "finished" | "interrupted" | "failed"): Promise<void>;
}

/** The trackers that a config asks for. */
export async function trackersOf(log: TrainConfig["log"], run: RunFolder): Promise<Tracker[]> {
  const trackers: Tracker[] = [];
  if (log.tensorboard) trackers.push(new TensorBoardTracker(run.path));
  if (log.mlflow !== undefined) {
    const { MlflowTracker } = await import("./mlflow.js");
    trackers.push(new MlflowTracker(log.mlflow, run.path));
  }
  return trackers;
}

/**
 * Several trackers as one. One that cannot begin stops the run before it starts; one that fails later is
 * warned about and left out, since a training is worth more than its log.
 */
export class RunLog {
  private alive: readonly Tracker[] = [];

  constructor(private readonly trackers: readonly Tracker[]) {}

  async begin(config: TrainConfig): Promise<void> {
    for (const tracker of this.trackers) {
      await tracker.begin(settingsColumns(config));
      this.alive = [...this.alive, tracker];
    }
  }

  epoch(record: EpochRecord): Promise<void> {
    return this.each((tracker) => tracker.epoch(record));
  }

  end(status: Parameters<Tracker["end"]>[0]): Promise<void> {
    return this.each((tracker) => tracker.end(status));
  }

  private async each(tell: (tracker: Tracker) => Promise<void>): Promise<void> {
    for (const tracker of this.alive) {
      try {
        await tell(tracker);
      } catch (error) {
        this.alive = this.alive.filter((other) => other !== tracker);
        const why = error instanceof Error ? error.message : String(error);
        process.emitWarning(`the run goes on without its log: ${why}`);
      }
    }
  }
}

/** Validation galaxies shown in each epoch. */
const SAMPLES = 16;

/**
 * Writes event files into the run's folder: curves, the confusion matrix and sample predictions of the
 * validation split. `tensorboard --logdir results` shows all runs.
 */
export class TensorBoardTracker implements Tracker {
  private file: EventFile | undefined;

  constructor(private readonly folder: string) {}

  async begin({ setting, value }: ReturnType<typeof settingsColumns>): Promise<void> {
    this.file = new EventFile(this.folder);
    const rows = setting.map((name, i) => `| ${name} | ${value[i]} |`);
    this.file.text("config", 0, ["| setting | value |", "|---|---|", ...rows].join("\n"));
  }

  async epoch({ epoch, values, learningRate, validation, dataset }: EpochRecord): Promise<void> {
    const { file } = this;
    if (file === undefined) return;
    for (const [name, value] of Object.entries(values)) {
      if (name !== "epoch") file.scalar(tagOf(name), epoch, value);
    }
    file.scalar("learningRate", epoch, learningRate);
    if (validation === undefined) return;
    const { predictions, rows } = validation;
    const matrix = await matrixImage(predictions);
    file.image("confusion matrix", epoch, matrix.data, [matrix.side, matrix.side]);
    const chosen = Array.from({ length: Math.min(SAMPLES, rows.length) }, (_, i) =>
      Math.floor((i * rows.length) / Math.min(SAMPLES, rows.length)),
    );
    const picture = await sampleImage(dataset, chosen, validation);
    file.image("samples", epoch, picture.data, picture.size);
    file.text("sample predictions", epoch, sampleTable(predictions, chosen));
  }

  async end(): Promise<void> {
    this.file?.close();
    this.file = undefined;
  }
}

/** `valLoss` → `loss/validation`, so that TensorBoard puts both losses under one heading. */
function tagOf(column: string): string {
  const [, split, name] = /^(train|val)(.*)$/.exec(column) ?? [];
  if (split === undefined) return column;
  const metric = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return `${metric}/${split === "val" ? "validation" : "train"}`;
}

/** True classes by rows, predicted ones by columns; the darker, the more of the row. */
async function matrixImage(predictions: Predictions): Promise<{ data: Uint8Array; side: number }> {
  const k = predictions.classNames.length;
  const counts = countConfusion(predictions);
  const pixels = Buffer.alloc(k * k * 3);
  counts.forEach((row, r) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, c) => {
      const share = total === 0 ? 0 : count / total;
      pixels.set(
        [255 - 247 * share, 255 - 207 * share, 255 - 148 * share].map(Math.round),
        (r * k + c) * 3,
      );
    });
  });
  const side = k * Math.max(1, Math.round(320 / k));
  const { default: sharp } = await import("sharp");
  const image = sharp(pixels, { raw: { width: k, height: k, channels: 3 } });
  return { data: await image.resize(side, side, { kernel: "nearest" }).png().toBuffer(), side };
}

/** Galaxies in rows of eight, framed in blue where the answer is right and in orange where it is not. */
async function sampleImage(
  dataset: Dataset,
  chosen: readonly number[],
  { predictions, rows }: NonNullable<EpochRecord["validation"]>,
): Promise<{ data: Uint8Array; size: [number, number] }> {
  const { default: sharp } = await import("sharp");
  const [height, width] = dataset.imageSize;
  const pixels = await dataset.read(chosen.map((i) => rows[i]));
  const { predicted } = predictions;
  const [frame, columns] = [3, 8];
  const tiles = chosen.map((i, at) => ({
    input: Buffer.from(pixels.subarray(at * height * width * 3, (at + 1) * height * width * 3)),
    raw: { width, height, channels: 3 as const },
    left: (at % columns) * (width + 2 * frame) + frame,
    top: Math.floor(at / columns) * (height + 2 * frame) + frame,
    background: predicted[i] === predictions.labels[i] ? "#3f90da" : "#ffa90e",
  }));
  const size: [number, number] = [
    Math.ceil(chosen.length / columns) * (height + 2 * frame),
    Math.min(columns, chosen.length) * (width + 2 * frame),
  ];
  const layers = tiles.flatMap(({ background, ...tile }) => [
    {
      input: {
        create: {
          width: width + 2 * frame,
          height: height + 2 * frame,
          channels: 3 as const,
          background,
        },
      },
      left: tile.left - frame,
      top: tile.top - frame,
    },
    tile,
  ]);
  const sheet = sharp({
    create: { width: size[1], height: size[0], channels: 3, background: "#fff" },
  });
  return { data: await sheet.composite(layers).png().toBuffer(), size };
}

function sampleTable(predictions: Predictions, chosen: readonly number[]): string {
  const { classNames, ids, labels, predicted } = predictions;
  const probabilities = probabilitiesOf(predictions, "Sample predictions");
  const lines = chosen.map((i) => {
    const p = probabilities[i * classNames.length + predicted[i]];
    return `| ${ids[i]} | ${classNames[labels[i]]} | ${classNames[predicted[i]]} | ${p.toFixed(3)} |`;
  });
  return ["| galaxy | true class | predicted | probability |", "|---|---|---|---|", ...lines].join(
    "\n",
  );
}
