/**
 * Catalogs with few labels, to train on one after another: the test galaxies of a run with `data.split: [0.8, 0, 0.2]`, and of
 * its training galaxies as many as asked for, drawn class by class.
 *
 *     node tools/experiments/label-subsets.mjs --data FOLDER --out FOLDER [--labels 50,100,250,1000] [--seeds 3] [--rest FOLDER]
 *
 * With `--rest`, a folder of the same survey in which the same galaxies have the same file names, also `rest.csv`: its
 * galaxies without their labels, less the test galaxies of `--data` and those of a run on itself with `data.split: [0.85, 0.05, 0.1]`.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { labelsOf } from "#lib/data/labels";
import { openDataset } from "#lib/data/open";
import { rowsOfSplit, stratifiedSplit, takeFraction } from "#lib/data/splits";
import { makeFolder, writeFileAtomic } from "#lib/io/atomic";
import { formatCsv } from "#lib/io/csv-text";

const { values: given } = parseArgs({
  options: {
    data: { type: "string" },
    out: { type: "string" },
    labels: { type: "string", default: "50,100,250,1000" },
    seeds: { type: "string", default: "3" },
    rest: { type: "string" },
  },
});
if (!given.data || !given.out) {
  console.error("Expected --data FOLDER, a folder of class folders, and --out FOLDER.");
  process.exit(2);
}
const { classNames, table } = await openDataset(given.data, {});
const labels = labelsOf({ classNames, table });
const splits = stratifiedSplit(labels, { train: 0.8, test: 0.2 });
const [train, test] = ["train", "test"].map((name) => rowsOfSplit(splits, name));
const entry = (split) => (row) => [
  table.id[row],
  resolve(given.data, table.id[row]),
  classNames[labels[row]],
  split,
];
makeFolder(given.out);
for (const count of given.labels.split(",").map(Number)) {
  for (let seed = 1; seed <= Number(given.seeds); seed++) {
    const rows = takeFraction(labels, train, Math.min(1, count / train.length), seed);
    const entries = [...Array.from(rows, entry("train")), ...Array.from(test, entry("test"))];
    const path = join(given.out, `${count}-labels-${seed}.csv`);
    writeFileAtomic(path, formatCsv(["id", "path", "label", "split"], entries));
    console.log(`${path}: ${rows.length} to learn from, ${test.length} to test`);
  }
}
if (given.rest) {
  const rest = await openDataset(given.rest, {});
  const own = stratifiedSplit(labelsOf(rest), { train: 0.85, validation: 0.05, test: 0.1 });
  const tested = new Set(Array.from(test, (row) => table.id[row]));
  for (const row of rowsOfSplit(own, "test")) tested.add(rest.table.id[row]);
  const ids = rest.table.id.filter((id) => !tested.has(id));
  const path = join(given.out, "rest.csv");
  const entries = ids.map((id) => [id, resolve(given.rest, id)]);
  writeFileAtomic(path, formatCsv(["id", "path"], entries));
  console.log(`${path}: ${ids.length} without labels`);
}
