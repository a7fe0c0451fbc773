import { readFileSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { UserError } from "#lib/core/errors";
import { openFits } from "#lib/data/fits-file";
import { openGalaxy10 } from "#lib/data/galaxy10";
import { decodeImage, probeImage } from "#lib/data/image-files";
import { openDataset } from "#lib/data/open";
import { readSplit } from "#lib/data/splits";
import { openTree } from "#lib/data/trees";
import { readPredictions, readTruth } from "#lib/evaluate/predictions-file";
import { readVotes } from "#lib/evaluate/votes-file";
import { openParquet } from "#lib/io/parquet-read";
import { SafetensorsFile } from "#lib/io/safetensors";
import { openTorchFile } from "#lib/io/torch-file";
import { unzipFiles } from "#lib/io/unzip";
import { readModelDescription } from "#lib/models/model-file";
import { parseWebManifest } from "#lib/models/web-model";
import { loadConfig } from "#lib/train/config-file";
import { zipOf } from "../io/zip";

/** One way into the program for a file of somebody else's. */
export interface Reader {
  /** How mutants are called, with what lies beside them: `galaxies.csv`. */
  readonly file: string;
  /** Small valid files. */
  seeds(): Promise<readonly Uint8Array[]>;
  /** Read a file in every way there is; returns, or throws a `UserError`. */
  read(path: string): unknown;
}

const fixture = (name: string) => readFileSync(join("test/fixtures", name));
const texts = (...all: readonly string[]) => Promise.resolve(all.map((text) => Buffer.from(text)));

async function readFits(path: string): Promise<void> {
  const file = await openFits(path);
  try {
    let refused: unknown;
    for (const [hdu, { kind, length }] of file.hdus.entries()) {
      if (length === 0) continue;
      try {
        if (kind === "table") file.table({ hdu });
        else file.image(hdu);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        refused = error;
      }
    }
    if (refused !== undefined) throw refused;
  } finally {
    file.close();
  }
}

async function readImage(path: string): Promise<void> {
  const shape = await probeImage(path);
  if (typeof shape === "string") throw new UserError(`${path}: ${shape}`, "none");
  await decodeImage(path, shape, {});
}

const picture = sharp({
  create: { width: 9, height: 7, channels: 3, background: { r: 90, g: 20, b: 130 } },
});

/** Every reader of files that others write, by name: what is added here is fuzzed. */
export const readers: Readonly<Record<string, Reader>> = {
  catalog: {
    file: "galaxies.csv",
    seeds: () =>
      texts(
        'id,path,label,split,ra,dec\n1,a.png,spiral,train,10.5,-3\n2,a.png,"round, smooth",test,359,89.5\n',
        "id,path,smooth,featured\n1,a.png,0.25,0.75\n2,a.png,1,0\n",
        '\ufeff"id";"path"\r\n"1";"a.png"\r\n',
      ),
    async read(path) {
      const image = join(dirname(path), "a.png");
      await cp("test/fixtures/data/folder/spiral/alpha.png", image, { force: false });
      await (await openDataset(path, { uniform: true } as object)).close();
    },
  },
  predictions: {
    file: "predictions.csv",
    seeds: () =>
      texts(
        "id,label,predicted,p_a,p_b\n1,a,a,0.75,0.25\n2,,b,0.5,0.5\n",
        "id,label,predicted\n1,a,a\n2,b,a\n",
      ),
    read: (path) => readPredictions(path),
  },
  truth: {
    file: "truth.csv",
    seeds: () => texts("id,label\n1,a\n2,b\n"),
    read: (path) => readTruth(path),
  },
  votes: {
    file: "votes.csv",
    seeds: () => texts("id,smooth,featured\n1,0.25,0.75\n2,1,0\n"),
    read: (path) => readVotes(path),
  },
  split: {
    file: "split.csv",
    seeds: () => texts("id,split\n1,train\n2,val\n3,test\n"),
    read: (path) => readSplit(path),
  },
  parquet: {
    file: "table.parquet",
    seeds: async () => ["gzip", "brotli", "pandas"].map((name) => fixture(`io/${name}.parquet`)),
    async read(path) {
      const file = await openParquet(path);
      try {
        let [read, refused]: [number, unknown] = [0, undefined];
        for (const name of file.header) {
          for (const type of ["text", "number"] as const) {
            try {
              for await (const _ of file.groups({ [name]: type }));
              read++;
            } catch (error) {
              if (!(error instanceof UserError)) throw error;
              refused = error;
            }
          }
        }
        if (read === 0 && refused !== undefined) throw refused;
      } finally {
        await file.close();
      }
    },
  },
  torch: {
    file: "weights.bin",
    seeds: async () => ["state-dict", "checkpoint"].map((name) => fixture(`io/torch/${name}.bin`)),
    async read(path) {
      const file = await openTorchFile(path);
      try {
        for (const name of file.tensors.keys()) file.read(name);
      } finally {
        file.close();
      }
    },
  },
  safetensors: {
    file: "weights.safetensors",
    async seeds() {
      const header = JSON.stringify({
        __metadata__: { format: "pt" },
        a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
        b: { dtype: "F16", shape: [4], data_offsets: [24, 32] },
        c: { dtype: "BF16", shape: [], data_offsets: [32, 34] },
      }).padEnd(240);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(header.length));
      return [Buffer.concat([length, Buffer.from(header), Buffer.alloc(34, 60)])];
    },
    read(path) {
      const file = SafetensorsFile.open(path);
      try {
        for (const name of file.tensors.keys()) file.read(name);
      } finally {
        file.close();
      }
      readModelDescription(path);
    },
  },
  fits: {
    file: "image.fits",
    seeds: async () =>
      ["i2", "f4", "cube", "multi", "scaled"].map((name) => fixture(`data/fits/${name}.fits`)),
    read: readFits,
  },
  "fits-tiles": {
    file: "image.fits.fz",
    seeds: async () =>
      ["RICE_1_i2", "RICE_1_dither_2", "GZIP_2_dither_1", "RICE_1_mixed", "PLIO_1_i2"].map((name) =>
        fixture(`data/fits-tiles/${name}.fits.fz`),
      ),
    read: readFits,
  },
  "fits-text-table": {
    file: "table.fits",
    seeds: async () => [fixture("data/fits-tiles/text.fits")],
    read: readFits,
  },
  "fits-packed": {
    file: "image.fits.gz",
    seeds: async () => [
      fixture("data/fits/f8.fits.bz2"),
      gzipSync(fixture("data/fits/f8.fits"), { level: 0 }),
    ],
    read: readFits,
  },
  hdf5: {
    file: "galaxies.h5",
    seeds: async () => [
      fixture("data/galaxy10_chunked.h5"),
      fixture("data/galaxy10_contiguous.h5"),
      ...["lzf", "zstd", "blosc", "bitshuffle", "lz4"].map((name) =>
        fixture(`data/hdf5-filters/${name}.h5`),
      ),
    ],
    async read(path) {
      const set = await openGalaxy10(path);
      try {
        await set.read([0, set.size - 1]);
      } finally {
        await set.close();
      }
    },
  },
  jpeg: {
    file: "image.jpg",
    seeds: async () => [
      fixture("data/folder/spiral/photo.jpg"),
      await picture.clone().jpeg({ progressive: true }).toBuffer(),
    ],
    read: readImage,
  },
  png: {
    file: "image.png",
    seeds: async () => [
      fixture("data/folder/spiral/alpha.png"),
      fixture("data/folder/spiral/palette.png"),
      await picture.clone().png({ compressionLevel: 0 }).toBuffer(),
    ],
    read: readImage,
  },
  "other-images": {
    file: "image.tif",
    seeds: async () => [
      await picture.clone().tiff({ compression: "none" }).toBuffer(),
      await picture.clone().webp().toBuffer(),
      await picture.clone().gif().toBuffer(),
    ],
    read: readImage,
  },
  zip: {
    file: "images.zip",
    seeds: async () => [
      zipOf([
        { name: "images/1.png", data: Buffer.from("one") },
        { name: "images/2.png", data: Buffer.alloc(3000, 7) },
      ]),
      fixture("data/images.zip"),
    ],
    async read(path) {
      const to = `${path}.out`;
      await rm(to, { recursive: true, force: true });
      await mkdir(to);
      await unzipFiles(path, to, /./);
    },
  },
  config: {
    file: "config.yaml",
    seeds: async () =>
      ["quickstart", "galaxy-zoo"].map((name) => readFileSync(`notebooks/configs/${name}.yaml`)),
    read: (path) => loadConfig(path),
  },
  tree: {
    file: "tree.yaml",
    seeds: () =>
      texts(
        "questions:\n  - { name: shape, answers: [smooth, disk, artifact] }\n  - { name: bar, answers: [yes, no], after: shape_disk }\n",
      ),
    read: (path) => openTree(path),
  },
  "web-manifest": {
    file: "model.json",
    seeds: () =>
      texts(
        JSON.stringify({
          format: "tuning-fork-web",
          description: {
            architecture: "custom_cnn",
            numClasses: 2,
            inputSize: [32, 32],
            preprocessing: { mean: [0, 0, 0], std: [1, 1, 1], interpolation: "bicubic" },
            task: { task: "classification", loss: "cross-entropy", outputs: ["a", "b"] },
            version: "1",
          },
          weightsManifest: [
            {
              paths: ["1.bin"],
              sha256: ["0".repeat(64)],
              weights: [{ name: "a", shape: [1], dtype: "float32" }],
            },
          ],
        }),
      ),
    read: (path) => parseWebManifest(readFileSync(path, "utf8")),
  },
};
