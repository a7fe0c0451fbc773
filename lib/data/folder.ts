import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { UserError } from "../core/errors";
import type { Column } from "../core/table";
import type { Dataset } from "./dataset";
import { type ImageTableOptions, openImageRows } from "./image-table";

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

/**
 * Open a folder of class folders of images, or of `train`, `val`, `test` folders of them. Classes
 * are in alphabetical order. Hidden files are ignored.
 *
 * @throws UserError naming the folder or file: no class folders, no images, a file that is no
 * readable image, sizes that differ.
 */
export async function openFolder(
  folder: string,
  options: ImageTableOptions = {},
): Promise<Dataset> {
  const files = await listImages(folder);
  const classNames = [...new Set(files.map((file) => file.className))].sort();
  const classIndex = new Map(classNames.map((name, i) => [name, i]));
  const paths = files.map((file) => file.path);
  const table: Record<string, Column> = {
    id: files.map((file) => file.id),
    label: Int32Array.from(files, (file) => classIndex.get(file.className) ?? -1),
    path: paths,
  };
  if (files.every((file) => file.split)) table.split = files.map((file) => file.split ?? "");
  return openImageRows({ name: basename(resolve(folder)), classNames, table, paths }, options);
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
