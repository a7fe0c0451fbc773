import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { UserError } from "../core/errors";
import { dataFolder, findPath } from "../io/paths";
import { isTablePath } from "../io/table-file";
import { type CatalogOptions, openCatalog } from "./catalog";
import type { Dataset } from "./dataset";
import { openFolder } from "./folder";
import { openGalaxy10 } from "./galaxy10";
import { imageEndings } from "./image-files";
import { openImageRows } from "./image-table";
import { packed, packedPath } from "./packed";
import { datasets } from "./registry";
import { viewFor, withView } from "./view";

/** How a data set is opened. */
export interface OpenOptions extends Omit<CatalogOptions, "uniform"> {
  /**
   * Where downloads and generated sets live, and what was seen of image files, so that they open
   * quickly again; the project's `data/` by default.
   */
  readonly dataFolder?: string;
}

/** Sets below this many bytes are read fast enough however they are stored. */
const smallSet = 2 ** 22;
/** Sets above this many bytes do not stay in memory, and would be unpacked in every epoch. */
const largeSet = 2 ** 29;

/**
 * Open a data set by its SPEC: a registered name, an `.h5` file in Galaxy10's layout, a CSV
 * or Parquet table (`id,path`, with `label` or vote fractions where they are known), a folder of images or of class
 * folders (with or without `train/ val/ test/`), or a single image file. Nothing needs labels. A path
 * that is not found from the working folder is tried from the project's, so that notebooks and
 * commands take the same one.
 *
 * @throws UserError listing what there is when the SPEC is none of these.
 */
export async function openDataset(spec: string, options: OpenOptions = {}): Promise<Dataset> {
  const dataset = await opened(spec, options);
  const { sourceSize, notices = [] } = dataset;
  const { crop } = options;
  if (sourceSize === undefined || typeof crop !== "number" || crop <= Math.min(...sourceSize)) {
    return dataset;
  }
  const [height, width] = sourceSize;
  const said = `crop is ${crop}, and the images have ${width} × ${height} pixels: the largest square in the middle is taken.`;
  return { ...dataset, notices: [...notices, said] };
}

async function opened(spec: string, options: OpenOptions): Promise<Dataset> {
  viewFor(options, undefined);
  const isTable = isTablePath(spec);
  const idle = (["tree", "votes", "shard"] as const).find((key) => options[key] !== undefined);
  if (idle !== undefined && !isTable) {
    throw new UserError(
      `${spec} is no table (CSV, Parquet), so that ${idle} can have no effect.`,
      "Leave it out.",
    );
  }
  const source = datasets.find(({ info }) => info.name === spec);
  const folder = options.dataFolder ?? dataFolder();
  if (source) {
    const dataset = await source.open(folder, options.onProgress);
    return accessible(withView(dataset, options), join(folder, source.info.name), options);
  }
  const path = findPath(spec);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return openFolder(path, options);
  if (found?.isFile() && /\.(h5|hdf5)$/i.test(path)) {
    return accessible(withView(await openGalaxy10(path), options), resolve(path), options);
  }
  if (found?.isFile() && isTable) return openCatalog(path, options);
  if (found?.isFile() && imageEndings.test(path)) {
    const table = { id: [basename(path)], path: [path] };
    return openImageRows({ name: basename(path), classNames: [], table, paths: [path] }, options);
  }
  const names = datasets.map(({ info }) => info.name).join(", ");
  throw new UserError(
    found
      ? `${spec}: not a data set; expected an .h5 file, a CSV or Parquet table, an image, or a folder of images.`
      : `'${spec}' is no registered data set, and there is no file or folder of that name here.`,
    `Give one of ${names}, an .h5 file in Galaxy10's layout, a CSV or Parquet table id,path[,label], an image, or a folder of images.`,
  );
}

/**
 * Where many images are compressed together, reading them in random order would unpack all of them
 * for each: such a set is packed anew on first use, unless it is small. So is a large one whose
 * images are compressed one by one, since unpacking holds up the program.
 */
async function accessible(dataset: Dataset, source: string, options: OpenOptions) {
  const { onProgress } = options;
  const bytes = dataset.size * dataset.imageSize[0] * dataset.imageSize[1] * 3;
  if (!dataset.block || bytes < (dataset.block > 1 ? smallSet : largeSet)) return dataset;
  const path = await packedPath(options.dataFolder ?? dataFolder(), source, dataset.view);
  return packed(dataset, path, onProgress);
}
