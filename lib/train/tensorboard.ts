import type { Dataset } from "../data/dataset";
import { EventFile } from "../io/event-file";
import type { Answer, ShareTable } from "../tasks/task";
import type { settingsColumns } from "./config-columns";
import type { EpochRecord, Tracker } from "./tracker";

/** Validation galaxies shown in each epoch. */
const SAMPLES = 16;

/** A PNG and its height and width, pixels. */
interface Picture {
  readonly data: Uint8Array;
  readonly size: [height: number, width: number];
}

/**
 * Writes event files into the run's folder: curves, and of the validation split what the task shows at a
 * glance (a confusion matrix) and sample answers. `tensorboard --logdir results` shows all runs.
 */
export class TensorBoardTracker implements Tracker {
  private file: EventFile | undefined;

  /** @param folder Of the run. */
  constructor(private readonly folder: string) {}

  /** Called before the first step. */
  async begin({ setting, value }: ReturnType<typeof settingsColumns>): Promise<void> {
    this.file = new EventFile(this.folder);
    const rows = setting.map((name, i) => `| ${name} | ${value[i]} |`);
    this.file.text("config", 0, ["| setting | value |", "|---|---|", ...rows].join("\n"));
  }

  /** Called after each epoch. */
  async epoch(record: EpochRecord): Promise<void> {
    const { epoch, values, learningRate, validation, task, dataset } = record;
    const { file } = this;
    if (file === undefined) return;
    for (const [name, value] of Object.entries(values)) {
      if (name !== "epoch") file.scalar(tagOf(name), epoch, value);
    }
    file.scalar("learningRate", epoch, learningRate);
    if (validation === undefined) return;
    const { table, rows } = validation;
    const shares = task.shareTable?.(table);
    if (shares !== undefined) {
      const { data, size } = await shadesOf(shares);
      file.image(shares.name, epoch, data, size);
    }
    const shown = Math.min(SAMPLES, rows.length);
    const chosen = Array.from({ length: shown }, (_, i) => Math.floor((i * rows.length) / shown));
    const answers = chosen.map((row) => task.describe(table, row));
    const images = chosen.map((row) => rows[row]);
    const { data, size } = await samplePicture(dataset, images, answers);
    file.image("samples", epoch, data, size);
    const lines = chosen.map((row, i) => {
      const { truth = "", answer } = answers[i];
      return `| ${table.ids[row]} | ${truth} | ${answer} |`;
    });
    const head = ["| galaxy | truth | answer |", "|---|---|---|"];
    file.text("sample predictions", epoch, [...head, ...lines].join("\n"));
  }

  /** Called when the run ends, however it does. */
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

/** One square a value; the darker, the larger the share. */
async function shadesOf({ shares }: ShareTable): Promise<Picture> {
  const [height, width] = [shares.length, shares[0].length];
  const colors = shares
    .flat()
    .flatMap((share) => [255 - 247 * share, 255 - 207 * share, 255 - 148 * share]);
  const pixels = Buffer.from(colors.map(Math.round));
  const scale = Math.max(1, Math.round(320 / Math.max(height, width)));
  const size: Picture["size"] = [height * scale, width * scale];
  const { default: sharp } = await import("sharp");
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return {
    data: await image.resize(size[1], size[0], { kernel: "nearest" }).png().toBuffer(),
    size,
  };
}

/** Galaxies in rows of eight, framed in blue where the answer is right, in orange where it is not. */
async function samplePicture(
  dataset: Dataset,
  rows: readonly number[],
  answers: readonly Answer[],
): Promise<Picture> {
  const { default: sharp } = await import("sharp");
  const [height, width] = dataset.imageSize;
  const pixels = await dataset.read(rows);
  const [frame, columns] = [3, 8];
  const size: Picture["size"] = [
    Math.ceil(rows.length / columns) * (height + 2 * frame),
    Math.min(columns, rows.length) * (width + 2 * frame),
  ];
  const layers = answers.flatMap(({ correct }, at) => {
    const left = (at % columns) * (width + 2 * frame);
    const top = Math.floor(at / columns) * (height + 2 * frame);
    const background = correct === undefined ? "#ffffff" : correct ? "#3f90da" : "#ffa90e";
    const back = { width: width + 2 * frame, height: height + 2 * frame, channels: 3 as const };
    const from = at * height * width * 3;
    return [
      { input: { create: { ...back, background } }, left, top },
      {
        input: Buffer.from(pixels.subarray(from, from + height * width * 3)),
        raw: { width, height, channels: 3 as const },
        left: left + frame,
        top: top + frame,
      },
    ];
  });
  const sheet = sharp({
    create: { width: size[1], height: size[0], channels: 3, background: "#fff" },
  });
  return { data: await sheet.composite(layers).png().toBuffer(), size };
}
