import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { Verb } from "#lib/cli/verb";
import { UserError } from "#lib/core/errors";
import { systemError } from "#lib/core/system-errors";
import { isTemporary } from "#lib/io/atomic";
import { temporaryFolder, writeClasses } from "../train/support";

const FITS = resolve(__dirname, "..", "fixtures", "data", "fits", "f4.fits");
const isRoot = process.getuid?.() === 0;

/** Every verb that writes, with where it is told to. */
function writers(at: (...names: string[]) => string, to: string): Record<string, string[]> {
  const run = ["--run", at("run")];
  return {
    predict: [...run, "--data", at("images"), "--out", join(to, "p.csv")],
    "export safetensors": [...run, "--out", join(to, "safetensors")],
    "export web": [...run, "--format", "web", "--out", join(to, "web")],
    "export savedmodel": [...run, "--format", "savedmodel", "--out", join(to, "saved")],
    figures: [...run, "--out", join(to, "figures"), "--format", "html"],
    attention: [...run, "--out", join(to, "maps"), at("images", "faint", "faint-0.png")],
    "data export": [at("images"), "--to", join(to, "folders")],
    "data make": ["synthetic", "--count", "20", "--size", "16", "--folder", join(to, "data")],
    image: [FITS, "--out", join(to, "picture.png")],
    train: [...training(at), "--out", join(to, "run")],
  };
}

const training = (at: (...names: string[]) => string) => [
  ...["--data", at("images"), "--model", "test_custom_cnn", "--set", "train.epochs=2"],
  ...["--set", "train.batchSize=8", "--set", "train.precision=float32"],
];

async function call(name: string, args: readonly string[]): Promise<number> {
  const [first, second = ""] = name.split(" ");
  const { verb } = (await import(`#lib/cli/${first}-verb`)) as { verb: Verb };
  return verb.run(first, first === "data" ? [second, ...args] : args);
}

/** The sentence that a person would see; a stack would fail the test. */
async function sentence(name: string, args: readonly string[]): Promise<string> {
  try {
    await call(name, args);
  } catch (thrown) {
    const error = systemError(thrown);
    assert.ok(error instanceof UserError, `${name}: ${thrown instanceof Error && thrown.stack}`);
    return error.message;
  }
  return "";
}

describe("what the system refuses", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const say = { log: console.log, warn: console.warn, write: process.stderr.write };

  before(async () => {
    await writeClasses(at("images"), { faint: 20, bright: 30 }, 16);
    Object.assign(console, { log: () => {}, warn: () => {} });
    process.stderr.write = () => true;
    await call("train", [...training(at), "--out", at("run")]);
  });
  after(() => {
    Object.assign(console, { log: say.log, warn: say.warn });
    process.stderr.write = say.write;
    folder.remove();
  });

  const refusals: Record<string, { readonly words: RegExp; make(): string }> = {
    "below a file": {
      words: /a part of the path is a file, not a folder \(ENOTDIR\)\n {2}→ give another path/,
      make() {
        writeFileSync(at("file"), "");
        return at("file", "below");
      },
    },
    "under too long a name": {
      words: /the name is too long \(ENAMETOOLONG\)\n {2}→ give a shorter path/,
      make: () => at("x".repeat(300)),
    },
    "behind links that lead in a circle": {
      words: /its symbolic links lead in a circle \(ELOOP\)\n {2}→ mend the links/,
      make() {
        symlinkSync(at("circle"), at("circle"));
        return at("circle");
      },
    },
  };
  for (const [where, { words, make }] of Object.entries(refusals)) {
    it(`is a sentence with path, cause and remedy: ${where}`, async () => {
      const to = make();
      for (const [name, args] of Object.entries(writers(at, to))) {
        const said = await sentence(name, args);
        assert.match(said, words, name);
        assert.ok(said.includes(to), `${name} names the path: ${said}`);
      }
    });
  }

  it("is a sentence where somebody else may write", async () => {
    mkdirSync(at("closed"));
    chmodSync(at("closed"), 0o555);
    chmodSync(folder.path, 0o755);
    if (isRoot) process.seteuid?.(65534);
    try {
      for (const [name, args] of Object.entries(writers(at, at("closed")))) {
        assert.match(await sentence(name, args), /closed.*you have no permission for it/, name);
      }
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    assert.deepEqual(readdirSync(at("closed")), []);
  });

  it("is a sentence where a folder stands in the file's place, before anything is computed", async () => {
    mkdirSync(at("p.csv"));
    const out = ["--out", at("p.csv")];
    const predict = ["--run", at("run"), "--data", at("not there"), ...out];
    assert.match(await sentence("predict", predict), /p\.csv cannot be written: it is a folder/);
    assert.match(await sentence("image", [FITS, "--out", at("run")]), /no picture has the ending/);
    mkdirSync(at("p.png"));
    assert.match(await sentence("image", [FITS, "--out", at("p.png")]), /p\.png .*is a folder/);
    assert.match(await sentence("predict", [...predict.slice(0, -1), ""]), /--out lacks its FILE/);
    assert.match(await sentence("evaluate", [at("images")]), /images.*folder/);
    assert.match(await sentence("figures", ["--run", at("file"), "--out", at("f")]), /file/);
  });

  /** A disk of that size in `full`, or skip the test. */
  function mountDisk(test: Mocha.Context, size: string, ...more: string[]): () => void {
    const disk = at("disk");
    mkdirSync(disk, { recursive: true });
    try {
      const options = [`size=${size}`, ...more].join(",");
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", disk], { stdio: "ignore" });
    } catch {
      // Only root may mount, and not in every container.
      test.skip();
    }
    return () => execFileSync("umount", [disk]);
  }

  it("is a sentence where the disk can only be read", async function () {
    const unmount = mountDisk(this, "40k", "ro");
    try {
      for (const [name, args] of Object.entries(writers(at, at("disk")))) {
        assert.match(await sentence(name, args), /disk.*the disk can only be read/, name);
      }
    } finally {
      unmount();
    }
  });

  it("is a sentence where the disk is full; nothing half-written bears its name or stands in the way", async function () {
    for (const name of Object.keys(writers(at, ""))) {
      const unmount = mountDisk(this, "16k");
      const args = () => writers(at, at("disk"))[name];
      try {
        writeFileSync(
          at("disk", "ballast"),
          Buffer.alloc(/predict|image/.test(name) ? 16384 : 8192),
        );
        assert.match(await sentence(name, args()), /disk.*the disk is full \(ENOSPC\)/, name);
        const names = readdirSync(at("disk"), { recursive: true }).map(String);
        assert.deepEqual(names.filter(isTemporary), [], name);
        assert.ok(!names.some((one) => /(lock|model\.json|predictions\.csv)$/.test(one)), name);
        execFileSync("mount", ["-o", "remount,size=400m", at("disk")]);
        assert.equal(await sentence(name, args()), "", name);
      } finally {
        unmount();
      }
    }
  });

  it("ends a training whose disk fills up with a sentence, and the next one goes on to the same end", async function () {
    const unmount = mountDisk(this, "260k");
    const args = [...training(at), "--out", at("disk", "run")];
    try {
      writeFileSync(at("disk", "ballast"), Buffer.alloc(64_000));
      assert.match(await sentence("train", args), /checkpoints.*the disk is full/);
      execFileSync("mount", ["-o", "remount,size=20m", at("disk")]);
      assert.equal(await sentence("train", args), "");
      for (const name of ["history.csv", "predictions.csv"]) {
        const text = (run: string) => readFileSync(at(run, name), "utf8");
        assert.equal(text("disk/run"), text("run"), name);
      }
    } finally {
      unmount();
    }
  });

  it("knows what the system says, by code and by the sentences of libraries", () => {
    const coded = Object.assign(new Error("x"), { code: "EMFILE", path: "/a" });
    const said = (error: unknown) => String(systemError(error, "/b"));
    assert.match(
      said(coded),
      /\/b cannot be used: this program has too many files open \(EMFILE\)/,
    );
    assert.match(said(new Error("H5FD_sec2_write: No space left on device")), /the disk is full/);
    const other = new TypeError("a defect");
    assert.equal(systemError(other), other);
    assert.equal(
      systemError(Object.assign(new Error("x"), { code: "E_MINE" })) instanceof UserError,
      false,
    );
  });
});
