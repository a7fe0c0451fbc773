import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { matchNames } from "#lib/core/names";
import { classFolder, classFolders } from "#lib/data/class-folders";
import type { Dataset } from "#lib/data/dataset";
import { exportFolders } from "#lib/data/export-dataset";
import { openFolder } from "#lib/data/folder";
import { loadSplit } from "#lib/data/splits";

/** 60 noise images of three classes: 36, 18 and 6. */
function small(): { dataset: Dataset; reads: () => number } {
  let reads = 0;
  const label = Int32Array.from({ length: 60 }, (_, i) => (i < 36 ? 0 : i < 54 ? 1 : 2));
  const dataset: Dataset = {
    name: "small",
    classNames: ["Barred Spiral", "Edge-on", "Merging / Disturbed"],
    table: { id: Array.from({ length: 60 }, (_, i) => `g ${i}`), label },
    size: 60,
    view: {},
    imageSize: [6, 5],
    async read(rows) {
      reads += rows.length;
      return Uint8Array.from(
        Array.from(rows).flatMap((row) =>
          Array.from({ length: 90 }, (_, i) => (row * 97 + i * 31) & 255),
        ),
      );
    },
    close: async () => {},
  };
  return { dataset, reads: () => reads };
}

import { asText } from "#lib/core/table";

describe("data/export", () => {
  let folder = "";
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), "export-")), "out");
  });
  afterEach(() => rm(join(folder, ".."), { recursive: true }));

  it("writes class folders of each split that read back as the same data set", async () => {
    const { dataset } = small();
    const report = await exportFolders(dataset, folder);
    assert.deepEqual([report.written, report.kept], [60, 0]);
    assert.deepEqual(Object.keys(report.counts).sort(), ["test", "train", "val"]);
    assert.equal(report.counts.train.barred_spiral, 23);
    const back = await openFolder(folder);
    assert.equal(back.size, 60);
    assert.deepEqual(back.classNames, ["barred_spiral", "edge-on", "merging_disturbed"]);
    const row = asText(back.table.id).findIndex((id) => id.endsWith("g_40.png"));
    assert.deepEqual(await back.read([row]), await dataset.read([40]));
    const split = await loadSplit(join(folder, "split.csv"), asText(dataset.table.id));
    assert.equal(split[40], String(back.table.split[row]));
  });

  it("goes on where it stopped, and does nothing when all is there", async () => {
    const { dataset } = small();
    await exportFolders(dataset, folder);
    const some = join(folder, "train", "edge-on");
    const [first, second] = await readdir(some);
    const before = await stat(join(some, second));
    await rm(join(some, first));
    const report = await exportFolders(dataset, folder);
    assert.deepEqual([report.written, report.kept], [1, 59]);
    assert.equal((await stat(join(some, second))).mtimeMs, before.mtimeMs);
  });

  it("balances by leaving out", async () => {
    const { counts } = await exportFolders(small().dataset, folder, {
      balance: "undersample",
      shares: { train: 2, test: 1 },
    });
    const each = { barred_spiral: 4, "edge-on": 4, merging_disturbed: 4 };
    assert.deepEqual(counts.train, each);
    assert.deepEqual(Object.values(counts.test), [2, 2, 2]);
  });

  it("balances by repeating, in the training split alone", async () => {
    const { counts } = await exportFolders(small().dataset, folder, { balance: "oversample" });
    assert.deepEqual(Object.values(counts.train), [23, 23, 23]);
    assert.equal(
      Object.values(counts.val)
        .concat(Object.values(counts.test))
        .reduce((a, b) => a + b),
      60 - 23 - 11 - 4,
    );
  });

  it("refuses a folder that holds something else, and finds a damaged image", async () => {
    const { dataset } = small();
    await exportFolders(dataset, folder);
    await assert.rejects(exportFolders(dataset, folder, { seed: 1 }), /made otherwise/);
    await writeFile(join(folder, "train", "edge-on", "foreign.png"), "x");
    await assert.rejects(
      exportFolders(dataset, folder),
      /61 files in the class folders; expected 60/,
    );
    await rm(join(folder, "train", "edge-on", "foreign.png"));
    const [first] = await readdir(join(folder, "test", "edge-on"));
    await writeFile(join(folder, "test", "edge-on", first), "damaged");
    await assert.rejects(exportFolders(dataset, folder), /not an image|unreadable/);
    await assert.rejects(exportFolders(dataset, join(folder, "test")), /is not empty/);
  });

  it("goes on where it was killed while it began", async () => {
    await mkdir(folder);
    await writeFile(join(folder, "export.json.1.partial"), "{");
    await exportFolders(small().dataset, folder);
    assert.ok((await readdir(folder)).includes("split.csv"));
  });

  it("names folders after classes", () => {
    assert.equal(classFolder("In-between Round Smooth"), "in-between_round_smooth");
    assert.equal(classFolder(" Disk, Face-on (no spiral) "), "disk_face-on_no_spiral");
    assert.deepEqual(classFolders(["Sa", "Sa?", "Barred Spiral", "?", "..", "a/b", "SA"]), [
      "Sa",
      "Sa?",
      "barred_spiral",
      "?",
      "class__",
      "a_b",
      "SA_2",
    ]);
    // What is read back is matched to the classes it came from.
    const names = ["Sa", "Sa?", "Sb+t", "Sb?t", "Er", "Ei", "In-between Round"];
    assert.deepEqual([...matchNames(classFolders(names), names)], [...names.keys()]);
  });
});
