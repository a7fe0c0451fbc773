import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "#lib/core/errors";
import { unzipFiles } from "#lib/io/unzip";
import { type ZipEntry, zipOf } from "./zip";

describe("io/unzip", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "unzip-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const unzip = async (...entries: readonly ZipEntry[]) => {
    const path = join(folder, "a.zip");
    await writeFile(path, zipOf(entries));
    return unzipFiles(path, join(folder, "out"), /\.png$/);
  };
  const refused = (work: Promise<unknown>, words: RegExp) =>
    assert.rejects(work, (e: unknown) => e instanceof UserError && words.test(e.message));
  const data = Buffer.from("a galaxy");

  it("unpacks what is asked for, wherever it lies in the archive, into one folder", async () => {
    await refused(unzip({ name: "../../outside.png", data }), /cannot be unpacked/);
    assert.deepEqual((await readdir(folder)).sort(), ["a.zip", "out"]);
    await unzip({ name: "notes.txt", data }, { name: "__MACOSX/._b.png", data });
    await unzip({ name: "x/b.png", data }, { name: "l.png", data, mode: 0o120777 });
    assert.deepEqual(await readdir(join(folder, "out")), ["b.png"]);
    assert.deepEqual(await readFile(join(folder, "out/b.png")), data);
  });

  it("outlives entries that err twice", async () => {
    const packed = Buffer.from("no deflated data");
    for (let i = 0; i < 20; i++) {
      await refused(unzip({ name: "a.png", data, packed }), /cannot be unpacked/);
      await refused(unzip({ name: "a.png", data, size: 3 }), /too many bytes/);
    }
  });

  it("outlives an archive whose directory lies behind its end", async () => {
    const whole = zipOf([{ name: "a.png", data }]);
    for (const place of [0x100n, 0x0100_0000_0000_0000n, 0x8000_0000_0000_0000n]) {
      const locator = Buffer.alloc(20);
      locator.writeUInt32LE(0x07064b50, 0);
      locator.writeBigUInt64LE(place, 8);
      const path = join(folder, "far.zip");
      await writeFile(path, Buffer.concat([whole.subarray(0, -22), locator, whole.subarray(-22)]));
      await refused(unzipFiles(path, join(folder, "out"), /./), /lies behind its end/);
    }
  });

  it("refuses a wrong checksum, two files of one name, and leaves nothing half-written", async () => {
    await refused(unzip({ name: "a.png", data, crc: 1 }), /checksum of a\.png is wrong/);
    assert.deepEqual(await readdir(join(folder, "out")), []);
    await refused(
      unzip({ name: "1/a.png", data }, { name: "2/a.png", data: Buffer.from("other") }),
      /two of its files are called a\.png/,
    );
  });

  it("refuses at once what is too large, says so, and stops where more comes than was said", async () => {
    const huge = Buffer.alloc(70 * 2 ** 20);
    const start = performance.now();
    await refused(unzip({ name: "a.png", data, size: 500e6 }), /a\.png has 500000000 bytes/);
    await refused(unzip({ name: "a.png", data: huge, size: 100 }), /too many bytes/);
    assert.ok(performance.now() - start < 5000);
    assert.deepEqual(await readdir(join(folder, "out")), []);
    const path = join(folder, "b.zip");
    await writeFile(
      path,
      zipOf([
        { name: "a.png", data },
        { name: "b.png", data },
      ]),
    );
    await refused(
      unzipFiles(path, join(folder, "out"), /\.png$/, undefined, { total: 10 }),
      /more than the 10 bytes allowed/,
    );
  });
});
