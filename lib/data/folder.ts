import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { UserError } from "../errors";
import type { Dataset, SkippedRow } from "./dataset";
import {
  checkFraming,
  decodeImage,
  type Framing,
  framedSize,
  type ImageShape,
  probeImage,
} from "./image-files";
import { mapParallel } from "./parallel";
import type { Column } from "./table";

/** Names that folders of splits go by, and the name of the split. */
const splitNames: Readonly<Record<string, string>> = {
  train: "train",
  training: "train",
  val: "val",
  valid: "val",
  validation: "val",
  test: "test",
  testing: "test",
};

interface Found {
  readonly path: string;
  readonly id: string;
  readonly className: string;
  readonly split: string | undefined;
}

/** How a folder is read. */
export interface FolderOptions extends Framing {
  /**
   * Leave out files that are no readable images and list them in `skipped`; every file is decoded
   * once to be sure. Otherwise the first such file is an error.
   */
  readonly skipBad?: boolean;
  /** Called while the files are looked at. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Open a folder of class folders of images, or of `train`, `val`, `test` folders of them. Classes
 * are in alphabetical order. Hidden files are ignored.
 *
 * Images of different sizes need `size`. Asking for `size` or `crop` takes the largest centre
 * square first.
 *
 * @throws UserError naming the folder or file: no class folders, no images, a file that is no
 * readable image, sizes that differ.
 */
export async function openFolder(folder: string, options: FolderOptions = {}): Promise<Dataset> {
  checkFraming(options);
  const files = await listImages(folder);
  const skipped: SkippedRow[] = [];
  const kept: Found[] = [];
  const shapes: ImageShape[] = [];
  const looked = await mapParallel(files, 16, (file) => look(file, options), options.onProgress);
  for (const [i, file] of files.entries()) {
    const shape = looked[i];
    if (typeof shape !== "string") {
      kept.push(file);
      shapes.push(shape);
    } else if (options.skipBad) {
      skipped.push({ id: file.id, reason: shape });
    } else {
      const others = looked.filter((x) => typeof x === "string").length - 1;
      throw new UserError(
        `${file.path}: ${shape}${others > 0 ? ` (and ${others} more bad files)` : ""}.`,
        "Replace or delete it, or ask for bad files to be skipped.",
      );
    }
  }
  if (kept.length === 0) {
    throw new UserError(
      `${folder}: none of its ${files.length} files is a readable image.`,
      "Give a folder of class folders that hold JPEG, PNG, TIFF or WebP images.",
    );
  }
  const imageSize = commonSize(kept, shapes, options);
  const classNames = [...new Set(kept.map((file) => file.className))].sort();
  const classIndex = new Map(classNames.map((name, i) => [name, i]));
  const table: Record<string, Column> = {
    id: kept.map((file) => file.id),
    label: Int32Array.from(kept, (file) => classIndex.get(file.className) ?? -1),
    path: kept.map((file) => file.path),
  };
  if (kept.every((file) => file.split)) table.split = kept.map((file) => file.split ?? "");
  const bytes = imageSize[0] * imageSize[1] * 3;
  return {
    name: basename(resolve(folder)),
    classNames,
    table,
    size: kept.length,
    imageSize,
    skipped,
    async read(rows) {
      const out = new Uint8Array(rows.length * bytes);
      const decode = async (row: number, place: number) => {
        if (!kept[row]) throw new RangeError(`row ${row} of ${folder}, which has ${kept.length}`);
        out.set(await decodeImage(kept[row].path, shapes[row], options), place * bytes);
      };
      await mapParallel(Array.from(rows), 8, decode);
      return out;
    },
    close: async () => {},
  };
}

async function look(file: Found, options: FolderOptions): Promise<ImageShape | string> {
  const shape = await probeImage(file.path);
  if (typeof shape === "string" || !options.skipBad) return shape;
  try {
    await decodeImage(file.path, shape, options);
    return shape;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.problem.slice(file.path.length + 2, -1);
  }
}

async function listImages(folder: string): Promise<Found[]> {
  const top = await subfolders(folder);
  const splits = top.every((name) => name.toLowerCase() in splitNames) ? top : [undefined];
  const found: Found[] = [];
  for (const split of splits) {
    const parent = split === undefined ? folder : join(folder, split);
    for (const className of split === undefined ? top : await subfolders(parent)) {
      const names = await readdir(join(parent, className), { withFileTypes: true });
      for (const entry of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        if (entry.name.startsWith(".") || entry.isDirectory()) continue;
        const parts = [...(split === undefined ? [] : [split]), className, entry.name];
        found.push({
          path: join(folder, ...parts),
          id: parts.join("/"),
          className,
          split: split === undefined ? undefined : splitNames[split.toLowerCase()],
        });
      }
    }
  }
  if (found.length === 0) {
    throw new UserError(
      `${folder}: no images in its ${top.length} class folders.`,
      "Put the images of each class into a folder of that class's name.",
    );
  }
  return found;
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new UserError(`${folder}: cannot be read as a folder.`, "Check the path.", {
      cause: error,
    });
  });
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  if (names.length === 0) {
    throw new UserError(
      `${folder}: no class folders in it (${entries.length} other entries).`,
      "Give a folder that holds one folder of images a class, or train/ val/ test/ of them.",
    );
  }
  return names.map((entry) => entry.name).sort();
}

function commonSize(
  files: readonly Found[],
  shapes: readonly ImageShape[],
  framing: Framing,
): [number, number] {
  const first = framedSize(shapes[0], framing);
  const odd = shapes.findIndex((shape) => String(framedSize(shape, framing)) !== String(first));
  if (odd >= 0) {
    throw new UserError(
      `${files[odd].path}: ${shapes[odd].width} × ${shapes[odd].height} pixels, but ` +
        `${files[0].path} has ${shapes[0].width} × ${shapes[0].height}.`,
      "Give a size that all images are brought to.",
    );
  }
  return first;
}
