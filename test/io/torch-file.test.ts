import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTorchFile } from "#lib/io/torch-file";
import { unpickle } from "#lib/io/unpickle";
import { temporaryFolder } from "../train/support";

const fixtures = "test/fixtures/io/torch";
const expected: Record<string, { shape: number[]; values: number[] }> = JSON.parse(
  readFileSync(join(fixtures, "expected.json"), "utf8"),
);

describe("io/torch-file", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("reads the numbers that PyTorch wrote, whatever their type and order, and passes over counters", async () => {
    const file = await openTorchFile(join(fixtures, "state-dict.bin"));
    assert.deepEqual([...file.tensors.keys()], Object.keys(expected));
    for (const [name, { shape, values }] of Object.entries(expected)) {
      assert.deepEqual([...(file.tensors.get(name)?.shape ?? [])], shape, name);
      assert.deepEqual([...file.read(name)], [...Float32Array.from(values)], name);
    }
    assert.throws(() => file.read("norm.num_batches_tracked"), /holds no tensor/);
    file.close();
  });

  it("finds the state dict of a checkpoint", async () => {
    const file = await openTorchFile(join(fixtures, "checkpoint.bin"));
    assert.deepEqual([...file.tensors.keys()], ["weight"]);
    assert.deepEqual([...file.read("weight")], [...Float32Array.from(expected.plain.values)]);
    file.close();
  });

  it("runs nothing, and names what is no state dict", async () => {
    const refuse = (name: string, words: RegExp) => assert.rejects(openTorchFile(name), words);
    await refuse(join(fixtures, "module.bin"), /would run Python's torch\.nn\..*more than weights/);
    await refuse(join(fixtures, "old.bin"), /no file of PyTorch 1\.6 or later/);
    await refuse(join(folder.path, "none.bin"), /none\.bin/);
    const whole = readFileSync(join(fixtures, "state-dict.bin"));
    const cut = join(folder.path, "cut.bin");
    writeFileSync(cut, whole.subarray(0, whole.length - 200));
    await refuse(cut, /cut\.bin/);
  });

  it("refuses damage of every byte of the pickle in words", () => {
    const pickled = Buffer.from("80025d71005801000000617d71014b05", "hex");
    const done = Buffer.concat([pickled, Buffer.from("2e", "hex")]);
    assert.equal(
      unpickle(done, "a", {}, (id) => id),
      5,
    );
    for (let at = 0; at < done.length; at++) {
      for (const value of [0, 46, 82, 98, 115, 117, 255]) {
        const bytes = Buffer.from(done);
        bytes[at] = value;
        try {
          unpickle(bytes, "a", {}, (id) => id);
        } catch (error) {
          assert.match(String(error), /a is no sound file|would run Python/, `${at} ${value}`);
        }
      }
    }
    const evil = Buffer.from("\x80\x02cos\nsystem\n.", "latin1");
    assert.throws(() => unpickle(evil, "a", {}, (id) => id), /would run Python's os\.system/);
  });
});
