/**
 * A catalog to learn from a second time: the labeled galaxies of a subset (`label-subsets.mjs`), and of those without labels the
 * ones about which a run is sure, with the class that it gives them (pseudo-labels, Lee 2013; Xie et al. 2020, arXiv:1911.04252).
 *
 *     npx tuning-fork predict --run RUN --data rest.csv --out answers.csv
 *     node tools/experiments/pseudo-labels.mjs --labeled SUBSET.csv --rest rest.csv --answers answers.csv --sure 0.9 --out FILE
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parsePredictions } from "#lib/evaluate/predictions-csv";
import { writeFileAtomic } from "#lib/io/atomic";
import { readCsv } from "#lib/io/csv";
import { formatCsv } from "#lib/io/csv-text";

const options = ["labeled", "rest", "answers", "sure", "out"];
const { values: given } = parseArgs({
  options: Object.fromEntries(options.map((name) => [name, { type: "string" }])),
});
if (options.some((name) => given[name] === undefined)) {
  console.error(`Expected ${options.map((name) => `--${name}`).join(", ")}.`);
  process.exit(2);
}
const text = (names) => Object.fromEntries(names.map((name) => [name, "text"]));
const { columns: labeled } = await readCsv(given.labeled, text(["id", "path", "label", "split"]));
const { columns: rest } = await readCsv(given.rest, text(["id", "path"]));
const pathOf = new Map(rest.id.map((id, i) => [id, rest.path[i]]));
const { ids, predicted, probabilities, classNames } = parsePredictions(
  readFileSync(given.answers, "utf8"),
  given.answers,
);
const k = classNames.length;
const known = new Set(labeled.id);
const counts = new Map(classNames.map((name) => [name, 0]));
const sure = [];
for (const [i, id] of ids.entries()) {
  const name = classNames[predicted[i]];
  if (known.has(id) || probabilities[i * k + predicted[i]] < Number(given.sure)) continue;
  counts.set(name, counts.get(name) + 1);
  sure.push([`sure/${id}`, pathOf.get(id), name, "train"]);
}
const own = labeled.id.map((id, i) => [id, labeled.path[i], labeled.label[i], labeled.split[i]]);
writeFileAtomic(given.out, formatCsv(["id", "path", "label", "split"], [...own, ...sure]));
const by = [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
console.log(`${given.out}: ${sure.length} of ${ids.length} with pseudo-labels (${by})`);
