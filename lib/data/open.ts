import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { UserError } from "../errors";
import { openCatalogue } from "./catalogue";
import type { Dataset } from "./dataset";
import { openFolder } from "./folder";
import { openGalaxy10 } from "./galaxy10";
import { checkFraming, type Framing, framedSize, reframe } from "./image-files";
import { mapParallel } from "./parallel";
import { datasets } from "./registry";

/** How a data set is opened. */
export interface OpenOptions extends Framing {
  /** Leave out files that cannot be read, and list them, instead of refusing the first. */
  readonly skipBad?: boolean;
  /** Where downloads and generated sets live; the project's `data/` by default. */
  readonly dataFolder?: string;
  /** Called while something is downloaded, made or looked at. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where downloads and generated sets live: `data/` beside `lib/`. */
export const defaultDataFolder: string = resolve(__dirname, "../../../data");

/**
 * Open a data set by its SPEC: a registered name, an `.h5` file in Galaxy10's layout, a CSV
 * (`id,path,label` or vote fractions), or a folder of class folders (with or without
 * `train/ val/ test/`).
 *
 * @throws UserError listing what there is when the SPEC is none of these.
 */
export async function openDataset(spec: string, options: OpenOptions = {}): Promise<Dataset> {
  checkFraming(options);
  const source = datasets.find(({ info }) => info.name === spec);
  if (source) {
    const folder = options.dataFolder ?? defaultDataFolder;
    return framed(await source.open(folder, options.onProgress), options);
  }
  const found = await stat(spec).catch(() => undefined);
  if (found?.isDirectory()) return openFolder(spec, options);
  if (found?.isFile() && /\.(h5|hdf5)$/i.test(spec)) {
    return framed(await openGalaxy10(spec), options);
  }
  if (found?.isFile() && /\.csv(\.gz)?$/i.test(spec)) return openCatalogue(spec, options);
  const names = datasets.map(({ info }) => info.name).join(", ");
  throw new UserError(
    found
      ? `${spec}: not a data set; expected an .h5 file, a CSV, or a folder of class folders.`
      : `'${spec}' is no registered data set, and there is no file or folder of that name here.`,
    `Give one of ${names}, an .h5 file in Galaxy10's layout, a CSV id,path,label, or a folder of class folders.`,
  );
}

/** The same data set with images cropped and resized as they are read. */
export function framed(dataset: Dataset, framing: Framing): Dataset {
  const [height, width] = dataset.imageSize;
  const shape = { width, height };
  const imageSize = framedSize(shape, framing);
  const { crop, size } = framing;
  const uncut =
    crop === undefined ? height === width || size === undefined : crop >= Math.max(height, width);
  const kept = size === undefined || (size === height && size === width);
  if (uncut && kept) return dataset;
  const before = height * width * 3;
  const after = imageSize[0] * imageSize[1] * 3;
  return {
    ...dataset,
    imageSize,
    async read(rows) {
      const pixels = await dataset.read(rows);
      const out = new Uint8Array(rows.length * after);
      await mapParallel(Array.from(rows), 8, async (_, i) => {
        const one = pixels.subarray(i * before, (i + 1) * before);
        out.set(await reframe(one, shape, framing), i * after);
      });
      return out;
    },
    close: () => dataset.close(),
  };
}
