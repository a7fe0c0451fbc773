import { basename, join, resolve } from "node:path";
import { UserError } from "../core/errors";
import { type Column, isUnknown } from "../core/table";
import type { Dataset } from "./dataset";
import { type FolderContents, imagesBelow, listFolder } from "./folder-files";
import { type ImageTableOptions, openImageRows } from "./image-table";
import { alikeClasses } from "./labels";
import { splitNamed } from "./split-names";

/** An image, and what the folders above it say. */
interface Found {
  readonly path: string;
  readonly id: string;
  readonly className?: string;
  readonly split?: string;
}

/**
 * Open a folder of class folders of images, or of `train`, `val`, `test` folders of them (spelled as
 * people spell them). Classes are in alphabetical order. Images that stand in no class folder have no
 * label; neither have those of an only folder, since a class needs another to be told from.
 *
 * Symbolic links are followed, sub-folders of a class belong to it, names are brought to one Unicode
 * form (NFC). Hidden files are ignored; others that are no images are passed over and counted in
 * `notices`.
 *
 * @throws UserError naming the folder or file: no images, a file that is no readable image, sizes
 * that differ, a folder beside those of the splits, classes that differ in upper and lower case only.
 */
export async function openFolder(
  folder: string,
  options: ImageTableOptions = {},
): Promise<Dataset> {
  const top = await listFolder(folder);
  const notices: string[] = [];
  if (top.others.length > 0) {
    notices.push(
      `${top.others.length} files that are no images were passed over: ${some(top.others)}.`,
    );
  }
  const nested = below(top).flatMap(({ name, folders }) =>
    folders.map((inner) => `${name}/${inner.name}`),
  );
  if (nested.length > 0) {
    notices.push(`Folders inside class folders are read as part of the class: ${some(nested)}.`);
  }
  const files = withoutOnlyFolders(folder, named(findImages(folder, top), notices), notices);
  const classNames = [...new Set(files.flatMap(({ className }) => className ?? []))].sort();
  checkNames(folder, classNames);
  const index = new Map(classNames.map((name, i) => [name, i]));
  const paths = files.map((file) => file.path);
  const table: Record<string, Column> = { id: files.map((file) => file.id) };
  if (classNames.length > 0) {
    table.label = Int32Array.from(files, ({ className }) => index.get(className ?? "") ?? -1);
  }
  table.path = paths;
  if (files.some(({ split }) => split)) table.split = files.map(({ split }) => split ?? "");
  const name = basename(resolve(folder));
  return openImageRows({ name, classNames, table, notices, paths }, options);
}

/** The class folders. */
function below(top: FolderContents): FolderContents["folders"] {
  const split = (name: string) => splitNamed(name) !== undefined;
  return top.folders.flatMap((folder) => (split(folder.name) ? folder.folders : [folder]));
}

function findImages(folder: string, top: FolderContents): Found[] {
  const [only, ...more] = top.folders;
  if (only && more.length + top.images.length + only.images.length === 0) {
    if (splitNamed(only.name) === undefined && only.folders.length > 1) {
      throw new UserError(
        `${folder}: its only folder '${only.name}' holds ${only.folders.length} folders.`,
        `Give ${join(folder, only.name)} if those are the classes.`,
      );
    }
  }
  const found: Found[] = [];
  const add = (inside: readonly string[], className?: string, split?: string) => {
    for (const file of inside) {
      found.push({ path: join(folder, file), id: file.normalize("NFC"), className, split });
    }
  };
  const inSplits = top.folders.some(({ name }) => splitNamed(name) !== undefined);
  add(top.images);
  for (const { name, ...inside } of top.folders) {
    if (!inSplits) {
      add(imagesBelow(inside), name.normalize("NFC"));
      continue;
    }
    const split = splitNamed(name);
    if (split === undefined) {
      throw new UserError(
        `${folder}: '${name}' stands beside folders of splits (${some(top.folders.map((f) => f.name))}).`,
        "Give folders train, val, test only, or class folders only.",
      );
    }
    add(inside.images, undefined, split);
    for (const { name: className, ...deeper } of inside.folders) {
      add(imagesBelow(deeper), className.normalize("NFC"), split);
    }
  }
  if (found.length === 0) {
    throw new UserError(
      `${folder}: no images in it.`,
      "Give a folder of images, or one that holds a folder of images for each class.",
    );
  }
  return found;
}

/** Images in folders called `nan`, `NA` and the like have no class. */
function named(files: readonly Found[], notices: string[]): Found[] {
  const nameless = new Set(
    files.flatMap(({ className }) => (className && isUnknown(className) ? [className] : [])),
  );
  if (nameless.size === 0) return [...files];
  notices.push(`Images in folders called ${some([...nameless])} are taken as unlabeled.`);
  return files.map((file) =>
    nameless.has(file.className ?? "") ? { ...file, className: undefined } : file,
  );
}

/** Images of an only class folder lose that class, unless another split has more and this one too. */
function withoutOnlyFolders(folder: string, files: readonly Found[], notices: string[]): Found[] {
  const splitsOf = (className: string) =>
    new Set(files.filter((file) => file.className === className).map(({ split }) => split));
  const all = new Set(files.flatMap(({ className }) => className ?? []));
  const only = new Map<string | undefined, string>();
  for (const split of new Set(files.map((file) => file.split))) {
    const own = new Set(
      files.flatMap((file) => (file.split === split ? (file.className ?? []) : [])),
    );
    const [name] = own;
    if (own.size !== 1 || (all.size > 1 && splitsOf(name).size > 1)) continue;
    only.set(split, name);
    notices.push(
      `'${name}' is the only folder of ${split === undefined ? folder : `the split ${split}`}: ` +
        "its images are taken as unlabeled.",
    );
  }
  return files.map((file) =>
    file.className !== undefined && only.get(file.split) === file.className
      ? { ...file, className: undefined }
      : file,
  );
}

function checkNames(folder: string, classNames: readonly string[]): void {
  const alike = alikeClasses(classNames);
  if (alike === undefined) return;
  throw new UserError(
    `${folder}: classes '${alike[0]}' and '${alike[1]}' differ in upper and lower case or spaces only.`,
    "Move the images of both into one folder, or rename one.",
  );
}

function some(names: readonly string[]): string {
  return names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
}
