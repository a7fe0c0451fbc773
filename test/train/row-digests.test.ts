import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { asNumbers, asText, type Table } from "#lib/core/table";
import type { Dataset } from "#lib/data/dataset";
import { saveSplit } from "#lib/data/splits";
import { createTask } from "#lib/tasks/registry";
import { checkRowDigests, isRunsData, saveRowDigests } from "#lib/train/row-digests";
import { RunFolder } from "#lib/train/run-folder";
import { temporaryFolder } from "./support";

const ROWS = 127;

function dataset(shade: (row: number) => number = (row) => row): Dataset {
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  return {
    name: "digested",
    classNames: ["a", "b"],
    table: {
      id: rows.map((row) => `g${row}`),
      label: Int32Array.from(rows, (row) => (row < 100 ? 0 : 1)),
      split: rows.map((row) => (row === 5 ? "unused" : "train")),
    },
    size: ROWS,
    view: {},
    imageSize: [1, 1],
    read: async (some) => Uint8Array.from(Array.from(some).flatMap((row) => [shade(row), 0, 0])),
    close: async () => {},
  };
}

describe("digests of what a run learns from", () => {
  const folder = temporaryFolder();
  const path = join(folder.path, "digests.csv");
  after(() => folder.remove());

  it("look at pictures from the first row to the last, and at every target", async () => {
    const data = dataset();
    const task = createTask(data);
    await saveRowDigests(path, { dataset: data, task });
    const rows = readFileSync(path, "utf8").trim().split("\n").slice(1);
    assert.equal(rows.length, ROWS - 1, "one row is in no split");
    const looked = rows.flatMap((row) => (row.endsWith(",") ? [] : [row.split(",")[0]]));
    assert.equal(looked.length, 64);
    assert.equal(
      looked.filter((id) => Number(id.slice(1)) >= 100).length,
      13,
      "of the second class",
    );
    assert.deepEqual(await checkRowDigests(path, task, data, "here"), []);
    const said = await checkRowDigests(
      path,
      task,
      dataset((row) => (row >= 100 ? 0 : row)),
      "here",
    );
    assert.match(
      said[0],
      /^13 galaxies .* of here, of 64 that were looked at, show other pictures/,
    );
  });

  it("tell a run's data wherever they lie: all galaxies, their labels and pictures, and more of them", async () => {
    const run = new RunFolder(folder.path);
    const data = dataset();
    const task = createTask(data);
    await saveRowDigests(run.digestsPath, { dataset: data, task });
    await saveSplit(run.splitPath, asText(data.table.id), asText(data.table.split));
    const known = (changes: Partial<Dataset>) =>
      isRunsData(run, task, { ...data, ...changes }, "there");
    const table = (change: Table) => ({ table: { ...data.table, ...change } });
    const label = Int32Array.from(asNumbers(data.table.label));
    assert.equal(await known({}), true);
    assert.equal(await known({ read: dataset((row) => row + 1).read }), false);
    assert.equal(await known(table({ id: asText(data.table.id).with(3, "other") })), false);
    assert.equal(
      await known(table({ id: asText(data.table.id).with(5, "other") })),
      true,
      "unused",
    );
    assert.equal(await known(table({ label: label.with(3, 1) })), false);
    assert.equal(
      await known({ classNames: ["b", "a"], ...table({ label: label.map((l) => 1 - l) }) }),
      true,
    );
    assert.equal(
      await isRunsData(new RunFolder(join(folder.path, "none")), task, data, "there"),
      false,
    );
  });
});
