import { UserError } from "../core/errors";
import { mapParallel } from "../core/parallel";
import type { Column, Table } from "../core/table";
import type { Dataset, SkippedRow, Votes } from "./dataset";
import { decodeImages, type ImageShape, probeImage } from "./image-files";
import { lookAtImages } from "./image-index";
import { type ViewOptions, viewFor, viewSize } from "./view";

/** How image files are read. */
export interface ImageTableOptions extends ViewOptions {
  /**
   * Leave out files that are no readable images and list them in `skipped`; every file is decoded
   * once to be sure. Otherwise the first such file is an error.
   */
  readonly skipBad?: boolean;
  /** Where what was seen of the files is kept, so that they open quickly again; `data/` by default. */
  readonly dataFolder?: string;
  /** Called while the files are looked at. */
  readonly onProgress?: (done: number, total: number) => void;
  /**
   * Look at the first file only and take the others to be like it: for hundreds of thousands of
   * files from one source. One that is not is named when it is read.
   */
  readonly uniform?: boolean;
}

/** A data set without its reader: what the rows are, and the image file of each. */
export interface ImageRows
  extends Omit<Dataset, "size" | "sourceSize" | "view" | "imageSize" | "read" | "close"> {
  /** Image file of each row. */
  readonly paths: readonly string[];
}

/**
 * A data set of image files: looked at once, decoded as they are asked for.
 *
 * Images of different sizes can be opened; they can be read where the view gives a `size`. Asking for
 * `size` or `crop` takes the largest center square first.
 *
 * @throws UserError naming the file that is no readable image
 */
export async function openImageRows(
  { paths, ...rows }: ImageRows,
  options: ImageTableOptions,
): Promise<Dataset> {
  viewFor(options, undefined);
  const { uniform, skipBad, dataFolder, onProgress } = options;
  const checked = uniform && !skipBad ? paths.slice(0, 1) : paths;
  const looked = await lookAtImages(checked, { decode: skipBad, folder: dataFolder, onProgress });
  while (looked.length > 0 && looked.length < paths.length) looked.push(looked[0]);
  const skipped: SkippedRow[] = [...(rows.skipped ?? [])];
  const kept: number[] = [];
  const shapes: ImageShape[] = [];
  for (const [row, shape] of looked.entries()) {
    if (typeof shape !== "string") {
      kept.push(row);
      shapes.push(shape);
    } else if (skipBad) {
      skipped.push({ id: String(rows.table.id[row]), reason: shape });
    } else {
      const others = looked.filter((x) => typeof x === "string").length - 1;
      throw new UserError(
        `${paths[row]}: ${shape}${others > 0 ? ` (and ${others} more bad files)` : ""}.`,
        "Replace or delete it, or ask for bad files to be skipped.",
      );
    }
  }
  if (paths.length === 0) {
    throw new UserError(`${rows.name} has no rows.`, "Give a catalog or a folder of images.");
  }
  if (kept.length === 0) {
    throw new UserError(
      `${rows.name}: none of its ${paths.length} files is a readable image.`,
      "Give JPEG, PNG, TIFF or WebP images.",
    );
  }
  const files = kept.map((row) => paths[row]);
  const [{ height, width }] = shapes;
  const alike = shapes.every((shape) => shape.height === height && shape.width === width);
  const sourceSize = alike ? ([height, width] as const) : undefined;
  const view = viewFor(options, sourceSize);
  const seen = new Uint8Array(files.length).fill(checked.length === paths.length ? 1 : 0);
  /** Files that were taken to be like the first are looked at before they are read. */
  const lookAt = async (row: number) => {
    if (seen[row]) return;
    const shape = await probeImage(files[row]);
    if (typeof shape === "string") {
      throw new UserError(`${files[row]}: ${shape}.`, "Replace or delete it.");
    }
    if (shape.width !== width || shape.height !== height)
      throw otherSize(files, row, shape, shapes);
    shapes[row] = shape;
    seen[row] = 1;
  };
  return {
    ...rows,
    ...(rows.votes ? { votes: takeVotes(rows.votes, kept) } : {}),
    table: takeRows(rows.table, kept),
    size: kept.length,
    ...(sourceSize ? { sourceSize } : {}),
    view,
    imageSize: viewSize(shapes[0], view),
    skipped,
    async read(wanted, shown = view) {
      const chosen = Array.from(wanted);
      const unknown = chosen.find((row) => !files[row]);
      if (unknown !== undefined) {
        throw new RangeError(`row ${unknown} of ${rows.name}, which has ${files.length}`);
      }
      const size = viewSize(shapes[0], shown);
      const odd = chosen.find((row) => String(viewSize(shapes[row], shown)) !== String(size));
      if (odd !== undefined) throw otherSize(files, odd, shapes[odd], shapes);
      await mapParallel(chosen, 16, lookAt);
      const images = await decodeImages(
        chosen.map((row) => files[row]),
        chosen.map((row) => shapes[row]),
        shown,
      );
      const bytes = size[0] * size[1] * 3;
      const out = new Uint8Array(wanted.length * bytes);
      for (const [place, pixels] of images.entries()) {
        if (pixels.length !== bytes) {
          throw new UserError(
            `${files[chosen[place]]}: has changed since it was looked at.`,
            "Open the data set again.",
          );
        }
        out.set(pixels, place * bytes);
      }
      return out;
    },
    close: async () => {},
  };
}

function otherSize(
  files: readonly string[],
  row: number,
  { width, height }: ImageShape,
  [first]: readonly ImageShape[],
): UserError {
  return new UserError(
    `${files[row]}: ${width} × ${height} pixels, but ${files[0]} has ` +
      `${first.width} × ${first.height}.`,
    "Give a size that all images are brought to, or leave this one out.",
  );
}

/** Some rows of a table, in this order. */
export function takeRows(table: Table, rows: readonly number[]): Table {
  const take = (column: Column): Column => {
    if (!ArrayBuffer.isView(column)) return rows.map((row) => column[row]) as string[] | number[];
    const out = column.slice(0, rows.length);
    for (const [i, row] of rows.entries()) out[i] = column[row];
    return out;
  };
  return Object.fromEntries(Object.entries(table).map(([key, column]) => [key, take(column)]));
}

/** The votes about some rows, in this order. */
export function takeVotes(votes: Votes, rows: readonly number[]): Votes {
  const take = (all: Float64Array, width: number) => {
    const out = new Float64Array(rows.length * width);
    for (const [i, row] of rows.entries()) {
      out.set(all.subarray(row * width, (row + 1) * width), i * width);
    }
    return out;
  };
  const { fractions, asked } = votes;
  return {
    ...votes,
    fractions: take(fractions, votes.answers.length),
    ...(asked ? { asked: take(asked, votes.questions.length) } : {}),
  };
}
