import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { imageEndings } from "./image-files";

/** What a folder holds, with all that lies below it. */
export interface FolderContents {
  /** Image files, by their ending: paths from the folder that was listed first. */
  readonly images: readonly string[];
  /** All files below that are no images, hidden ones aside. */
  readonly others: readonly string[];
  /** Folders that hold images, directly or further below. */
  readonly folders: readonly (FolderContents & { readonly name: string })[];
}

/**
 * List the images below a folder, in alphabetical order. Symbolic links are followed; one that leads
 * back to a folder above it is passed over, as are hidden entries; what is in macOS' `__MACOSX` is no image.
 *
 * @throws UserError when the folder cannot be read
 */
export async function listFolder(folder: string): Promise<FolderContents> {
  return list(folder, "", []);
}

async function list(
  root: string,
  inside: string,
  above: readonly string[],
): Promise<FolderContents> {
  const path = join(root, inside);
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new UserError(`${path}: cannot be read as a folder.`, "Check the path.", { cause });
  });
  const here = [...above, await realpath(path)];
  const images: string[] = [];
  const others: string[] = [];
  const folders: (FolderContents & { name: string })[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    if (name.startsWith(".")) continue;
    const file = inside === "" ? name : `${inside}/${name}`;
    const found = entry.isSymbolicLink()
      ? await stat(join(root, file)).catch(() => undefined)
      : entry;
    if (found?.isDirectory()) {
      if (entry.isSymbolicLink() && here.includes(await realpath(join(root, file)))) continue;
      const contents = await list(root, file, here);
      for (const other of contents.others) others.push(other);
      if (name === "__MACOSX") others.push(...imagesBelow(contents));
      else if (contents.images.length + contents.folders.length > 0)
        folders.push({ name, ...contents });
    } else if (imageEndings.test(name)) {
      images.push(file);
    } else {
      others.push(file);
    }
  }
  return { images, others, folders };
}

/** All images of a folder and of those inside it. */
export function imagesBelow({
  images,
  folders,
}: Pick<FolderContents, "images" | "folders">): string[] {
  return [...images, ...folders.flatMap(imagesBelow)];
}
