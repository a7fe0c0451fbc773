import { basename } from "node:path";
import { UserError } from "../core/errors";
import type { Column } from "../core/table";
import type { Dataset } from "./dataset";
import { Hdf5File } from "./hdf5";
import { Hdf5Writer } from "./hdf5-writer";
import { resizeAll } from "./image-files";
import { areaOf } from "./view";

/** Classes of Galaxy10 DECaLS in label order (Leung & Bovy 2019; Walmsley et al. 2022). */
export const galaxy10DecalsClasses: readonly string[] = [
  "Disturbed",
  "Merging",
  "Round Smooth",
  "In-between Round Smooth",
  "Cigar Shaped Smooth",
  "Barred Spiral",
  "Unbarred Tight Spiral",
  "Unbarred Loose Spiral",
  "Edge-on without Bulge",
  "Edge-on with Bulge",
];

/** Classes of Galaxy10 SDSS, the first version of the data set, in label order. */
export const galaxy10SdssClasses: readonly string[] = [
  "Disk, Face-on, No Spiral",
  "Smooth, Completely Round",
  "Smooth, In-between Round",
  "Smooth, Cigar Shaped",
  "Disk, Edge-on, Rounded Bulge",
  "Disk, Edge-on, Boxy Bulge",
  "Disk, Edge-on, No Bulge",
  "Disk, Face-on, Tight Spiral",
  "Disk, Face-on, Medium Spiral",
  "Disk, Face-on, Loose Spiral",
];

/** Height and width of Galaxy10 SDSS images: they tell the two versions apart. */
const sdssSize = 69;

/** How {@link openGalaxy10} opens a file. */
export interface Galaxy10Options {
  /** Name of the data set; the file's name without its ending by default. */
  readonly name?: string;
  /**
   * Classes in label order; by default those of Galaxy10 SDSS for images of 69 × 69 pixels and those
   * of Galaxy10 DECaLS for all others.
   */
  readonly classNames?: readonly string[];
}

/** Columns beside the labels that are read where the file has them; degrees, and arcsec a pixel. */
const catalogKeys = ["ra", "dec", "redshift", "pxscale"] as const;

/**
 * Open an HDF5 file in Galaxy10's layout: `images` uint8 `[N, H, W, 3]`, and where present `ans`
 * integers `[N]` in 0–9 (−1 where a label is not known), `ra`, `dec` (degrees), `redshift`,
 * `pxscale` (arcsec a pixel). Without `ans` the galaxies are data without labels.
 *
 * Images stay in the file and are read as they are asked for.
 *
 * @throws UserError when the file is no HDF5, truncated, or laid out otherwise.
 */
export async function openGalaxy10(path: string, options: Galaxy10Options = {}): Promise<Dataset> {
  const file = await Hdf5File.open(path);
  try {
    const images = file.info("images");
    const [size, height, width, channels] = images.shape;
    if (images.dtype !== "uint8" || images.shape.length !== 4 || channels !== 3) {
      throw wrongLayout(path, "images", images, "uint8 [galaxies, height, width, 3]");
    }
    if (height < 1 || width < 1) throw wrongLayout(path, "images", images, "pixels in each image");
    const known =
      options.classNames ?? (height === sdssSize ? galaxy10SdssClasses : galaxy10DecalsClasses);
    const table: Record<string, Column> = {
      id: Array.from({ length: size }, (_, row) => String(row)),
    };
    if (file.has("ans")) table.label = labels(path, file, size, known.length);
    const classNames = file.has("ans") ? known : [];
    for (const key of catalogKeys) {
      if (!file.has(key)) continue;
      const info = file.info(key);
      if (info.shape.length !== 1 || info.shape[0] !== size || info.dtype === "other") {
        throw wrongLayout(path, key, info, `numbers [${size}]`);
      }
      table[key] = Float64Array.from(file.numbers(key));
    }
    return {
      name: options.name ?? basename(path).replace(/\.(h5|hdf5)$/i, ""),
      classNames,
      table,
      size,
      sourceSize: [height, width],
      view: {},
      imageSize: [height, width],
      ...(file.has("ans")
        ? {}
        : { notices: [`${path} has no 'ans' (it has ${file.keys().join(", ")}): unlabeled.`] }),
      ...(images.compressed && images.chunks ? { block: images.chunks[0] } : {}),
      async read(rows, view = {}) {
        const area = areaOf({ width, height }, view);
        const whole = area.width === width && area.height === height;
        return resizeAll(file.rows("images", rows, whole ? undefined : area), area, view);
      },
      close: async () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Galaxies to be written, as many as one likes at a time. */
export interface Galaxy10Batch {
  /** uint8 RGB `[count, height, width, 3]`. */
  readonly images: Uint8Array;
  /** Labels from 0, `[count]`; −1 where one is not known. */
  readonly labels: ArrayLike<number>;
}

/**
 * Write galaxies in Galaxy10's layout, streamed, so that a set of any size needs the memory of one
 * batch. The file takes its name only when all of it is written.
 *
 * @param catalog Columns of one value a galaxy (`ra`, `dec`, `redshift`, `pxscale`).
 * @param options.gzip Compression level 1–9; 0, the default, reads fastest.
 */
export async function writeGalaxy10(
  path: string,
  imageSize: readonly [number, number],
  batches: AsyncIterable<Galaxy10Batch> | Iterable<Galaxy10Batch>,
  catalog: Readonly<Record<string, Float64Array>> = {},
  options: { readonly gzip?: number } = {},
): Promise<void> {
  const writer = await Hdf5Writer.create(path);
  try {
    const ans: number[] = [];
    for await (const batch of batches) {
      writer.append("images", batch.images, [...imageSize, 3], options.gzip);
      for (let i = 0; i < batch.labels.length; i++) ans.push(batch.labels[i]);
    }
    const plain = ans.every((label) => label >= 0 && label < 256);
    writer.write("ans", plain ? Uint8Array.from(ans) : Int32Array.from(ans));
    for (const [key, values] of Object.entries(catalog)) writer.write(key, values);
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  await writer.finish();
}

function labels(path: string, file: Hdf5File, size: number, numClasses: number): Int32Array {
  const info = file.info("ans");
  if (!/^u?int/.test(info.dtype) || info.shape.length !== 1) {
    throw wrongLayout(path, "ans", info, "integers [galaxies]");
  }
  if (info.shape[0] !== size) {
    throw new UserError(
      `${path}: 'ans' has ${info.shape[0]} labels for ${size} images.`,
      "Write the file again with one label an image.",
    );
  }
  const ans = file.numbers("ans");
  const wrong = ans.findIndex((label: number) => label < -1 || label >= numClasses);
  if (wrong >= 0) {
    throw new UserError(
      `${path}: 'ans' row ${wrong} is ${ans[wrong]}; expected 0–${numClasses - 1}, or −1 where it is not known.`,
      "Correct the label, or give the names of all classes.",
    );
  }
  return Int32Array.from(ans);
}

function wrongLayout(
  path: string,
  key: string,
  found: { dtype: string; shape: readonly number[] },
  expected: string,
): UserError {
  return new UserError(
    `${path}: '${key}' is ${found.dtype} [${found.shape.join(", ")}]; expected ${expected}.`,
    "Write the file again in Galaxy10's layout: images uint8 [N, H, W, 3] and ans [N].",
  );
}
