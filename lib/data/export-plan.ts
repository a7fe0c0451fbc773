import { join } from "node:path";
import { UserError } from "../core/errors";
import { Random } from "../core/random";
import { asText, type Column } from "../core/table";
import { classFolder, classFolders } from "./class-folders";
import type { Dataset } from "./dataset";
import { labelsOf } from "./labels";
import { type Balancing, balancedRows } from "./sampling";
import { splitNamed } from "./split-names";
import { type SplitShares, splitPresets, stratifiedSplit } from "./splits";

/** How a data set is written as folders. */
export interface ExportOptions {
  /** Shares of train, val, test; 64/16/20 by default. A split that the data bring goes first. */
  readonly shares?: SplitShares;
  /** Of the split and of what `balance` draws; 42 by default. */
  readonly seed?: number;
  /**
   * `undersample`: as many of each class as the rarest has, before splitting. `oversample`: rows of
   * rarer classes repeated in the training split only, so that no image is in two splits. By default
   * neither.
   */
  readonly balance?: Balancing;
  /** `png`, the default, keeps every pixel; `jpg`, at quality 95, takes a third of the room. */
  readonly format?: "png" | "jpg";
  /** Called while images are written, with how many of them are there. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** One image to be written. */
export interface ExportItem {
  /** Of the data set. */
  readonly row: number;
  /** Folder of its split. */
  readonly split: string;
  /** Of the file. */
  readonly path: string;
}

/**
 * Which images an export writes, and where.
 *
 * @param groups Rows of one group show one object and go to one split.
 * @throws UserError when no image has a label, or two would get one file name
 */
export function planExport(
  dataset: Dataset,
  folder: string,
  options: ExportOptions,
  groups: ArrayLike<number>,
): ExportItem[] {
  const { shares = splitPresets["64/16/20"], seed = 42, balance, format = "png" } = options;
  const labels = labelsOf(dataset);
  const random = new Random(seed, "export");
  const own = dataset.table.split as Column | undefined;
  const all = [...labels.keys()].filter((row) => labels[row] >= 0 && own?.[row] !== "");
  if (all.length === 0) {
    throw new UserError(
      `${dataset.name}: none of its ${dataset.size} images has a label.`,
      "Export a data set with labels: each class becomes a folder.",
    );
  }
  const under = balance === "undersample";
  const chosen = under
    ? [...balancedRows(labels, all, "undersample", random)].sort((a, b) => a - b)
    : all;
  const split = own
    ? chosen.map((row) => splitNamed(String(own[row])) ?? classFolder(String(own[row])))
    : stratifiedSplit(
        chosen.map((row) => labels[row]),
        shares,
        {
          seed,
          classNames: dataset.classNames,
          groups: chosen.map((row) => groups[row]),
        },
      );
  const ids = asText(dataset.table.id).map((id) =>
    id
      .replace(/\.[a-z]+$/i, "")
      .replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, "_")
      // A file whose name begins with a dot, or is nothing but its ending, is hidden.
      .replace(/^(\.|$)/, "_$1"),
  );
  const folders = classFolders(dataset.classNames);
  const item = (row: number, name: string, copy: number): ExportItem => {
    const file = `${ids[row]}${copy > 0 ? `.copy${copy}` : ""}.${format}`;
    const path = join(folder, name, folders[labels[row]], file);
    return { row, split: name, path };
  };
  const items = chosen.map((row, i) => item(row, split[i], 0));
  if (balance === "oversample") {
    const train = chosen.filter((_, i) => split[i] === "train");
    const times = new Map<number, number>();
    for (const row of balancedRows(labels, train, "oversample", random)) {
      const copy = times.get(row) ?? 0;
      times.set(row, copy + 1);
      if (copy > 0) items.push(item(row, "train", copy));
    }
  }
  if (new Set(items.map(({ path }) => path)).size < items.length) {
    throw new UserError(
      `${dataset.name}: two images would get the same file name.`,
      "Give the galaxies ids that differ in letters and digits.",
    );
  }
  return items;
}
