import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "#lib/core/errors";
import { Fuzzer } from "./driver";
import { readers } from "./readers";

describe("damaged files are read or refused: no raw error, no hang, no flood of memory", () => {
  const fuzzer = new Fuzzer();
  after(() => fuzzer.close());
  for (const [name, reader] of Object.entries(readers)) {
    // A browser fetches it.
    if (name === "web-manifest") continue;
    it(`${name}: nothing, or a folder, in the place of the file`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "fuzz-"));
      const path = join(folder, reader.file);
      const isRefused = (error: unknown) =>
        error instanceof UserError && error.message.includes(path);
      try {
        await assert.rejects(async () => reader.read(path), isRefused);
        await mkdir(path);
        await assert.rejects(async () => reader.read(path), isRefused);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
  for (const name of Object.keys(readers)) {
    it(name, async () => {
      const { faults, read, refused } = await fuzzer.run(name, 1000, 20260);
      assert.deepEqual(faults, []);
      assert.equal(read + refused, 1000);
    });
  }
});
