import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { download } from "../io/download";
import type { DownloadOptions } from "../io/download-attempt";
import type { DatasetInfo, DatasetSource } from "./dataset";
import { openGalaxy10 } from "./galaxy10";

/** A file that a data set needs, and where it is. */
export interface RemoteFile {
  /** Where it is downloaded from. */
  readonly url: string;
  /** SHA-256, where it is published; otherwise the first download's is recorded and kept to. */
  readonly sha256?: string;
}

type OnProgress = (done: number, total: number) => void;

/** Where a remote file lies once it has been downloaded. */
export function localPath(file: RemoteFile, folder: string): string {
  return join(folder, basename(new URL(file.url).pathname));
}

/** Download files that are not there yet and check those that are, one after another. */
export async function fetchFiles(
  files: readonly RemoteFile[],
  folder: string,
  onProgress?: OnProgress,
  options: DownloadOptions = {},
): Promise<void> {
  for (const file of files) {
    await download(file.url, localPath(file, folder), {
      ...options,
      sha256: file.sha256,
      onProgress: ({ done, total }) => onProgress?.(done, total ?? Number.NaN),
    });
  }
}

/** Download only what is missing. A file that is there was checked when it came. */
export async function ensureFiles(
  files: readonly RemoteFile[],
  folder: string,
  onProgress?: OnProgress,
): Promise<void> {
  const missing = files.filter((file) => !existsSync(localPath(file, folder)));
  await fetchFiles(missing, folder, onProgress);
}

/** `get` and `open` of a data set that is one file in Galaxy10's layout. */
export function remoteGalaxy10(
  info: DatasetInfo,
  file: RemoteFile,
  classNames: readonly string[],
): Pick<DatasetSource, "get" | "open"> {
  const folderOf = (dataFolder: string) => join(dataFolder, info.name);
  return {
    get: (dataFolder, onProgress) => fetchFiles([file], folderOf(dataFolder), onProgress),
    async open(dataFolder, onProgress) {
      await ensureFiles([file], folderOf(dataFolder), onProgress);
      return openGalaxy10(localPath(file, folderOf(dataFolder)), { name: info.name, classNames });
    },
  };
}
