/**
 * Catalogs with few labels, to train on one after another: the test galaxies of a run with `data.split: [0.8, 0, 0.2]`, and of
 * its training galaxies as many as asked for, drawn class by class.
 *
 *     node tools/experiments/label-subsets.mjs --data FOLDER --out FOLDER [--labels 50,100,250,1000] [--seeds 3]
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
