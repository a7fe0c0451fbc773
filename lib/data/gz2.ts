import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../io/atomic";
import { unzipFiles } from "../io/unzip";
import type { Dataset, DatasetInfo } from "./dataset";
import { gz2Questions } from "./galaxy-zoo-tree";
import { type Gz2Paths, openVotes } from "./gz2-catalog";
import { imageEndings } from "./image-files";
import { ensureFiles, fetchFiles, localPath, type RemoteFile } from "./remote";

/** What a list of data sets shows. */
export const info: DatasetInfo = {
  name: "gz2",
  title: "Galaxy Zoo 2",
  description:
    "Galaxies of the Sloan Digital Sky Survey with volunteers' answers to the 11 questions of the " +
    "decision tree: 37 vote fractions, debiased (Hart et al. 2016).",
  size: "243,434 JPEG images of 424 × 424 pixels, 37 vote fractions, 3.4 GB",
  source: "https://zenodo.org/records/3565489 and https://data.galaxyzoo.org",
  license: "images CC BY 4.0",
};

/** No digests are published for these: those of the first download are recorded and kept to. */
const images: RemoteFile = { url: "https://zenodo.org/records/3565489/files/images_gz2.zip" };
const mapping: RemoteFile = {
  url: "https://zenodo.org/records/3565489/files/gz2_filename_mapping.csv",
};
const votes: RemoteFile = { url: "https://gz2hart.s3.amazonaws.com/gz2_hart16.csv.gz" };

/** Download images and votes (3.4 GB) and unpack the images. */
export async function get(
  dataFolder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  await fetchFiles([votes, mapping, images], join(dataFolder, info.name), onProgress);
  await gz2Paths(dataFolder, onProgress);
}

/** Open all 37 vote fractions, downloading on first use. */
export async function open(
  dataFolder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Dataset> {
  const paths = await gz2Paths(dataFolder, onProgress);
  return openVotes(info.name, paths, [gz2Questions], { uniform: true });
}

/** Where the parts lie, after downloading and unpacking what is missing. */
export async function gz2Paths(
  dataFolder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Gz2Paths> {
  const folder = join(dataFolder, info.name);
  const unpacked = join(folder, "images");
  const mark = join(folder, "images.unpacked");
  await ensureFiles([votes, mapping], folder, onProgress);
  if (!existsSync(mark)) {
    await ensureFiles([images], folder, onProgress);
    const count = await unzipFiles(localPath(images, folder), unpacked, imageEndings, onProgress);
    writeFileAtomic(mark, `${count}\n`);
  }
  return {
    votes: localPath(votes, folder),
    mapping: localPath(mapping, folder),
    images: unpacked,
  };
}
