import { statSync } from "node:fs";
import { estimatePlan } from "../cluster/estimate-plan";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { untilInterrupted } from "../notebook/interrupt";
import { askModel, askOptions, catalogSize } from "./ask-model";
import { defineVerb, say } from "./verb";

const { shard: _, ...options } = askOptions;

export const planVerb = defineVerb({
  summary: "What it takes to ask a model about many galaxies: measured on a few, on this machine",
  options: {
    ...options,
    galaxies: {
      type: "integer",
      value: "N",
      help: "How many there are to be asked about. Default: those of the data.",
      least: 1,
    },
    sample: {
      type: "integer",
      value: "N",
      help: "How many are asked about to measure it.",
      default: 512,
      least: 1,
    },
    shards: {
      type: "integer",
      value: "N",
      help: "In how many parts. Default: so many that each takes about an hour.",
      least: 1,
    },
    "at-once": { type: "integer", value: "N", help: "Units at once.", default: 1, least: 1 },
    json: { type: "flag", help: "The numbers for programs." },
  },
  async run({ galaxies, sample, shards, "at-once": atOnce, json, ...asked }) {
    const started = performance.now() - process.uptime() * 1000;
    // Of a long catalog only as many rows are opened as are measured.
    const total = await catalogSize(asked.data);
    const shard =
      total === undefined || total < 2 * sample ? undefined : `1/${Math.floor(total / sample)}`;
    return askModel({ ...asked, shard }, async ({ predictor, dataset, rows, all }) => {
      const some = (all ?? rows).subarray(0, sample);
      const measured = await untilInterrupted(async (signal) => {
        // The first pass traces the network: a part does that once.
        await predictor.predict(dataset, some.subarray(0, 64), { signal });
        const ready = performance.now();
        const table = await predictor.predict(dataset, some, { signal });
        const seconds = (performance.now() - ready) / 1000;
        return {
          startSeconds: (ready - started) / 1000,
          rate: some.length / seconds,
          bytesWritten: Buffer.byteLength(predictor.task.formatTable(table)) / some.length,
        };
      });
      const bytesRead = pictureBytes(dataset, some);
      const measure = {
        galaxies: galaxies ?? all?.length ?? total ?? rows.length,
        shards,
        atOnce,
        bytesRead,
        ...measured,
      };
      const estimate = estimatePlan(measure);
      if (json) say(JSON.stringify({ ...measured, ...estimate }));
      else {
        say(
          [
            `${measured.rate.toPrecision(3)} galaxies/s of one process, ${measured.startSeconds.toPrecision(2)} s before the first`,
            `${estimate.shards} units of ${estimate.galaxiesPerShard} galaxies, ${hours(estimate.hoursPerShard)} each`,
            `${hours(estimate.hours)} in all, ${hours(estimate.hoursToWait)} with ${atOnce} at once`,
            `${bytes(estimate.bytesRead)} read, ${bytes(estimate.bytesWritten)} written`,
          ].join("\n"),
        );
      }
      return undefined;
    });
  },
});

/** Mean size of a picture: of its file, else of its pixels as they are stored. */
function pictureBytes({ table, sourceSize, imageSize }: Dataset, rows: Uint32Array): number {
  const paths = table.path === undefined ? [] : asText(table.path);
  const sizes = Array.from(
    rows,
    (row) => statSync(paths[row] ?? "", { throwIfNoEntry: false })?.size,
  );
  const known = sizes.filter((size) => size !== undefined);
  if (known.length > 0) return known.reduce((sum, size) => sum + size, 0) / known.length;
  const [height, width] = sourceSize ?? imageSize;
  return height * width * 3;
}

function hours(value: number): string {
  if (value < 0.1) return `${(3600 * value).toPrecision(2)} s`;
  return value < 100 ? `${value.toPrecision(2)} h` : `${Math.round(value)} h`;
}

function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const step = Math.max(0, Math.min(5, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${(value / 1000 ** step).toPrecision(3)} ${units[step]}`;
}
