import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs, {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  atomicPath,
  atomicPathSync,
  removeStale,
  temporaryPath,
  writeFileAtomic,
} from "#lib/io/atomic";

describe("atomic writes", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "atomic-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("write text and bytes whole, in folders that they make", () => {
    const path = join(folder, "a", "b", "c.txt");
    writeFileAtomic(path, "é");
    assert.equal(readFileSync(path, "utf8"), "é");
    writeFileAtomic(path, Uint8Array.of(1, 2));
    assert.deepEqual([...readFileSync(path)], [1, 2]);
    assert.deepEqual(readdirSync(join(folder, "a", "b")), ["c.txt"]);
  });

  it("are on the disk before they bear the name, unless that is not asked for", () => {
    const { fsyncSync, renameSync } = fs;
    const calls: string[] = [];
    Object.assign(fs, {
      fsyncSync: (descriptor: number) => {
        calls.push("fsync");
        fsyncSync(descriptor);
      },
      renameSync: (from: string, to: string) => {
        calls.push("rename");
        renameSync(from, to);
      },
    });
    try {
      writeFileAtomic(join(folder, "a"), "a");
      writeFileAtomic(join(folder, "b"), "b", { fsync: false });
    } finally {
      Object.assign(fs, { fsyncSync, renameSync });
    }
    assert.deepEqual(calls, ["fsync", "rename", "rename"]);
  });

  it("leave the old file and nothing else when the writing fails", async () => {
    const path = join(folder, "old");
    writeFileSync(path, "old");
    const failing = atomicPath(path, async (temporary) => {
      await writeFile(temporary, "half");
      throw new Error("stopped");
    });
    await assert.rejects(failing, /^Error: stopped$/);
    assert.throws(
      () =>
        atomicPathSync(path, (temporary) => {
          writeFileSync(temporary, "half");
          throw new Error("stopped");
        }),
      /stopped/,
    );
    assert.equal(readFileSync(path, "utf8"), "old");
    assert.deepEqual(readdirSync(folder), ["old"]);
  });

  it("give what the writing gives, and keep many writers of one path apart", async () => {
    const path = join(folder, "one");
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(1000));
    const lengths = await Promise.all(
      texts.map((text) =>
        atomicPath(path, async (temporary) => {
          await writeFile(temporary, text);
          return text.length;
        }),
      ),
    );
    assert.deepEqual(
      lengths,
      texts.map((text) => text.length),
    );
    assert.ok(texts.includes(readFileSync(path, "utf8")));
    assert.deepEqual(readdirSync(folder), ["one"]);
  });

  it("follow a link to the file that it names", () => {
    writeFileSync(join(folder, "real"), "old");
    symlinkSync(join(folder, "real"), join(folder, "link"));
    writeFileAtomic(join(folder, "link"), "new");
    assert.equal(readFileSync(join(folder, "real"), "utf8"), "new");
  });

  it("bear that a file comes and goes meanwhile, as a lock does", async () => {
    const path = join(folder, "comes-and-goes");
    const other = `const { writeFileSync: w, rmSync } = require("node:fs"); const p = process.argv[1];
      for (const end = Date.now() + 1500; Date.now() < end; rmSync(p, { force: true })) w(p, "");`;
    const child = spawn(process.execPath, ["-e", other, path]);
    const ended = once(child, "exit");
    while (child.exitCode === null) {
      for (let i = 0; i < 2000; i++) temporaryPath(path);
      await new Promise(setImmediate);
    }
    assert.deepEqual((await ended)[0], 0);
  });

  it("say which path cannot be written", function () {
    writeFileSync(join(folder, "file"), "");
    assert.throws(() => writeFileAtomic(join(folder, "file", "x"), ""), {
      name: "UserError",
      message: /file\/x cannot be written: a part of the path is a file/,
    });
    assert.throws(() => writeFileAtomic(folder, ""), /cannot be written: it is a folder/);
    // Node's own way to make folders never ends there.
    if (process.platform === "linux") {
      assert.throws(() => writeFileAtomic("/proc/none/x", ""), /the system makes no folders there/);
    }
    if (process.getuid?.() === 0) this.skip();
    chmodSync(folder, 0o500);
    assert.throws(() => writeFileAtomic(join(folder, "x"), ""), /you have no permission/);
  });

  it("remove what a killed writer left an hour ago, and no more", () => {
    const path = join(folder, "data.h5");
    const names = ["data.h5.00.partial", "data.h5.11.partial", "other.22.partial", "data.h5.csv"];
    for (const name of names) writeFileSync(join(folder, name), "");
    const old = Date.now() / 1000 - 3700;
    for (const name of names.filter((name) => !name.includes("11")))
      utimesSync(join(folder, name), old, old);
    removeStale(path);
    assert.deepEqual(readdirSync(folder), names.slice(1).sort());
  });
});
