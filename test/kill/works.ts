import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Verb } from "#lib/cli/verb";
import { openCheckpoint } from "#lib/train/checkpoint";
import { tinyNetwork } from "../train/tiny-network";

const SETUP = resolve(__dirname, "..", "..", "lib", "setup");

/** What the works need, made once. */
export interface Supplies {
  /** A folder of class folders. */
  readonly images: string;
  /** A finished run. */
  readonly run: string;
  /** A ZIP archive of pictures. */
  readonly archive: string;
  /** Where a server gives a file, in pieces. */
  readonly url: string;
}

/** Work that may be killed at any moment; done again, it must end as if nothing had been. */
export interface Work {
  /**
   * Does it, in a process of its own.
   *
   * @param begin Called after what only loads.
   */
  run(folder: string, supplies: Supplies, begin: () => void): Promise<unknown>;
  /** Which files are compared with those of an undisturbed run. Default all. */
  compares?(path: string): boolean;
  /** A file without what differs between two runs. Default: all of it. */
  content?(path: string): string | Uint8Array | Promise<string | Uint8Array>;
  /** What must hold after a kill: it throws, or says how far the work is, which must not shrink. */
  check?(folder: string): number;
}

/** The engine, which knows the network of {@link works}. */
async function start(): Promise<void> {
  const { startEngine } = await import("#lib/engine/start");
  const { registerArchitecture } = await import("#lib/models/registry");
  registerArchitecture(tinyNetwork);
  await startEngine();
}

/** A verb of the command. */
const verb =
  (name: string, args: (folder: string, supplies: Supplies) => string[]): Work["run"] =>
  async (folder, supplies, begin) => {
    const { verb } = (await import(`#lib/cli/${name}-verb`)) as { verb: Verb };
    if (name !== "data") await start();
    begin();
    return verb.run(name, args(folder, supplies));
  };

/** Trees on the features of a network of the work's own, in whose folder they are kept. */
const boosted = (library: string): Work => ({
  async run(folder, supplies, begin) {
    const { trainBoosted } = await import("#lib/boost/boosted-run");
    const backbone = join(folder, "network");
    if (!existsSync(backbone)) cpSync(supplies.run, backbone, { recursive: true });
    await start();
    begin();
    const boost = { rounds: 20, patience: 0, threads: 1 };
    await trainBoosted({ library, backbone, run: join(folder, "trees"), boost });
  },
  compares: (path) => /(\.npy|trees\/.*(config\.yaml|\.csv|metrics\.json|\.ubj|\.txt))$/.test(path),
  content: withoutTimes,
});

/** A text file without the seconds that something took. */
const withoutTimes = (path: string) =>
  path.endsWith(".json")
    ? readFileSync(path, "utf8").replace(/"seconds": [\d.e+-]+/, "")
    : readFileSync(path);

async function pixelsOf(path: string): Promise<Uint8Array> {
  const { openGalaxy10 } = await import("#lib/data/galaxy10");
  const dataset = await openGalaxy10(path);
  const pixels = await dataset.read(Array.from({ length: dataset.size }, (_, row) => row));
  await dataset.close();
  return pixels;
}

/** A new one is an entry here; the test and `npm run kills` take all. */
export const works: Readonly<Record<string, Work>> = {
  train: {
    run: verb("train", (folder, { images }) => [
      ...["--data", images, "--model", "tiny", "--out", join(folder, "run")],
      ...["--set", "train.epochs=5", "--set", "train.batchSize=8"],
      ...["--set", "train.checkpointSeconds=0.02"],
    ]),
    compares: (path) =>
      /(config\.yaml|split\.csv|history\.csv|predictions\.csv|metrics\.json)$/.test(path),
    content: withoutTimes,
    check(folder) {
      const open = (name: string) => openCheckpoint(join(folder, "run", "checkpoints", name));
      open("best");
      return open("latest")?.training.epoch ?? 0;
    },
  },
  "boosted trees of xgboost": boosted("xgboost"),
  "boosted trees of lightgbm": boosted("lightgbm"),
  predict: {
    run: verb("predict", (folder, { run, images }) => [
      ...["--run", run, "--data", images, "--out", join(folder, "p.csv")],
    ]),
  },
  "export for the web": {
    run: verb("export", (folder, { run }) => ["--run", run, "--out", folder, "--format", "web"]),
  },
  "export as SavedModel": {
    run: verb("export", (folder, { run }) => [
      ...["--run", run, "--out", folder, "--format", "savedmodel"],
    ]),
  },
  "data export": {
    run: verb("data", (folder, { images }) => ["export", images, "--to", join(folder, "out")]),
  },
  "data make": {
    run: verb("data", (folder) => [
      ...["make", "synthetic", "--count", "150", "--size", "16", "--folder", folder],
    ]),
    // HDF5 notes the time of writing.
    content: (path) => (path.endsWith(".h5") ? pixelsOf(path) : readFileSync(path)),
  },
  download: {
    async run(folder, { url }, begin) {
      const { download } = await import("#lib/io/download");
      begin();
      await download(url, join(folder, "file.bin"), { backOff: 10 });
    },
  },
  unzip: {
    async run(folder, { archive }, begin) {
      const { unzipFiles } = await import("#lib/io/unzip");
      begin();
      await unzipFiles(archive, join(folder, "pictures"), /./);
    },
  },
  "set-up": {
    async run(folder, _, begin) {
      const { keyOf, placesIn, runLogged, step } = await import(join(SETUP, "step.mjs"));
      const { takeLock } = await import(join(SETUP, "lock.mjs"));
      const { state } = placesIn(folder);
      begin();
      mkdirSync(state, { recursive: true });
      takeLock(join(state, "setup.lock"));
      for (const name of ["one", "two"]) {
        const made = join(folder, name);
        const slowly = `rm -f '${made}'; for i in 1 2 3 4; do echo $i >> '${made}'; sleep 0.03; done`;
        await step(folder, name, {
          name,
          key: keyOf(name),
          stands: () => existsSync(made),
          run: () => runLogged(folder, name, "sh", ["-c", slowly]),
        });
      }
    },
    compares: (path) => /^(one|two)$/.test(basename(path)),
  },
};
