import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "#lib/data/dataset";
import { createTask } from "#lib/tasks/registry";
import { checkRowDigests, saveRowDigests } from "#lib/train/row-digests";
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
});
