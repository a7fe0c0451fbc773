import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { asNumbers } from "#lib/core/table";
import {
  checkTree,
  type DecisionTree,
  partOfTree,
  questionRanges,
  reachChances,
  rebuildAsked,
  treeAnswers,
} from "#lib/data/decision-tree";
import { gz2Questions } from "#lib/data/galaxy-zoo-tree";
import { readVoteColumns } from "#lib/data/read-votes";
import { parseTree } from "#lib/data/tree-yaml";
import { decisionTrees, openTree } from "#lib/data/trees";
import { findVoteColumns } from "#lib/data/vote-columns";
import { readCsv } from "#lib/io/csv";
import { parseCsv } from "#lib/io/csv-table";

const stripe82 = "../shared/data/gz2-splits/gz2_stripe82_table.csv.gz";

const yaml = `
questions:
  - { name: bar, answers: [yes, no], after: shape_disk }
  - { name: shape, answers: [smooth, disk, 3] }
  - { name: odd, answers: [yes, no], after: [shape_smooth, bar_no] }
`;
const tree = parseTree(yaml, "own.yaml");

/** What a table of votes in CSV says, by the tree above. */
function votesIn(text: string, kind?: "cast" | "debiased") {
  const header = text.split("\n")[0].split(",");
  const columns = findVoteColumns("a.csv", header, [tree], kind);
  assert.ok(columns);
  const csv = parseCsv(text, "a.csv", columns.wanted);
  const rows = Array.from({ length: csv.size }, (_, row) => row);
  return readVoteColumns("a.csv", csv, rows, columns);
}

describe("data/decision-tree", () => {
  it("is read from YAML and put in order", () => {
    assert.deepEqual(
      tree.map(({ name }) => name),
      ["shape", "bar", "odd"],
    );
    assert.deepEqual(treeAnswers(tree).slice(0, 4), [
      "shape_smooth",
      "shape_disk",
      "shape_3",
      "bar_yes",
    ]);
    assert.deepEqual(questionRanges(tree)[2].after, [0, 4]);
  });

  it("is refused where it cannot be right", () => {
    const refuse = (text: string, message: RegExp) =>
      assert.throws(() => parseTree(text, "own.yaml"), message);
    const q = (...lines: string[]) => `questions:\n${lines.map((l) => `  - { ${l} }`).join("\n")}`;
    const a = "name: a, answers: [x, y]";
    refuse(q(a, a), /own\.yaml: the question a is there twice/);
    refuse(q("name: a, answers: [x]"), /question a has 1 answers/);
    refuse(q("name: a, answers: [x, x]"), /answer a_x is there twice/);
    refuse(q(a, "name: b, answers: [x, y], after: a_z"), /b comes after the answer a_z/);
    refuse(q(a, "name: b, answers: [x, y], after: []"), /no answer leads to b/);
    const circle = [
      "name: b, answers: [x, y], after: [a_x, c_x]",
      "name: c, answers: [x, y], after: b_y",
    ];
    refuse(q(a, ...circle), /round in a circle: b → c → b/);
    refuse(q("name: a, answers: [x, y], after: a_x"), /a → a/);
    refuse(q("name: a, answer: [x, y]"), /questions\.0.*answer/);
    refuse("questions: [", /no YAML/);
    refuse("questions: []", /no questions/);
  });

  it("goes by a name", async () => {
    for (const [name, known] of Object.entries(decisionTrees)) {
      assert.deepEqual(checkTree(known, name), known, `${name} is in order`);
      assert.equal(await openTree(name), known);
    }
    assert.deepEqual(
      [decisionTrees.decals.length, treeAnswers(decisionTrees.decals).length],
      [10, 34],
    );
    await assert.rejects(openTree("gz9"), /no decision tree "gz9".*\n.*gz2-main/);
  });

  it("tells the chance of reaching a question", () => {
    const fractions = [0.5, 0.4, 0.1, 0.25, 0.75, 0.5, 0.5, 1, 0, 0, NaN, NaN, 0.2, 0.8];
    assert.deepEqual([...reachChances(tree, fractions)], [1, 0.4, 0.8, 1, 0, 1]);
    // 40 volunteers: 20 smooth and 16 disks, of whom 12 see no bar.
    assert.deepEqual([...rebuildAsked(tree, fractions, [40, 7])], [40, 16, 32, 7, 0, 7]);
  });

  it("keeps what a table is about", () => {
    const part = partOfTree(tree, (answer) => !["shape_3", "bar_yes"].includes(answer));
    assert.deepEqual(part, [
      { name: "shape", answers: ["shape_smooth", "shape_disk"], others: true },
      { name: "odd", answers: ["odd_yes", "odd_no"], after: ["shape_smooth"] },
    ]);
  });
});

describe("data/vote-columns", () => {
  const header = treeAnswers(tree).join();

  it("are counts or fractions by what is in them", () => {
    const counted = votesIn(`${header}\n20,16,4,4,12,0,32\n7,0,0,0,0,1,6\n`).votes;
    assert.deepEqual([...(counted.asked ?? [])], [40, 16, 32, 7, 0, 7]);
    assert.deepEqual([...counted.fractions.slice(0, 5)], [0.5, 0.4, 0.1, 0.25, 0.75]);
    assert.ok(Number.isNaN(counted.fractions[10]));
    const shares = votesIn(`${header},total_classifications\n.5,.4,.1,.25,.75,0,1,40\n`);
    assert.deepEqual([...(shares.votes.asked ?? [])], [40, 16, 32]);
    assert.match(shares.notices[0], /are rebuilt from total_classifications/);
    assert.equal(votesIn(`${header}\n.5,.4,.1,.25,.75,0,1\n`).votes.asked, undefined);
  });

  it("name the row, the question and the value that is wrong", () => {
    const refuse = (row: string, message: RegExp) =>
      assert.throws(() => votesIn(`${header}\n20,16,4,4,12,0,32\n${row}\n`), message);
    refuse("20,16,4,-4,12,0,32", /a\.csv, row 3: bar_yes is -4; expected votes/);
    refuse("20,16,,4,12,0,32", /row 3: shape_3 is empty or NaN, and other answers/);
    refuse("20,16,4,NaN,12,0,32", /row 3: bar_yes is empty or NaN, and other answers/);
    refuse("20,16,4,inf,12,0,32", /row 3: bar_yes is Infinity; expected votes/);
    refuse("20,16,many,4,12,0,32", /row 3.*'shape_3' is 'many'/);
    const totals = tree.map(({ name }) => `${name}_total-votes`).join();
    assert.throws(
      () => votesIn(`${header},${totals}\n20,16,4,4,12,0,32,50,16,32\n`),
      /row 2: the answers to shape have 40 votes, and 50 volunteers were asked/,
    );
    assert.throws(
      () => votesIn(`${header},${totals}\n20,16,4,4,12,0,32,40,15,32\n`),
      /row 2: the answers to bar have 16 votes, and 15 volunteers were asked/,
    );
  });

  it("name a fraction that is none, and a number of volunteers that is none", () => {
    const refuse = (row: string, message: RegExp, more = "") =>
      assert.throws(() => votesIn(`${header}${more}\n.5,.4,.1,.25,.75,0,1${row}\n`), message);
    const instead = (row: string, message: RegExp) =>
      assert.throws(() => votesIn(`${header}\n${row}\n`), message);
    instead(".5,.4,.1,-.25,.75,0,1", /row 2: bar_yes is -0\.25; expected votes, 0 or more/);
    instead(".5,.4,.1,nan,.75,0,1", /row 2: bar_yes is empty or NaN/);
    instead(".5,.4,.1,.2,.75,0,1", /row 2: the fractions of bar sum to 0\.95; expected 1/);
    instead(".5,.4,.1,1.02,0,0,1", /row 2: bar_yes is 1\.02; expected a fraction/);
    const total = ",total_classifications";
    refuse(",-4", /row 2: total_classifications is -4; expected votes/, total);
    refuse(",", /row 2: total_classifications is empty or NaN, and the galaxy has votes/, total);
    const totals = tree.map(({ name }) => `,${name}_total-votes`).join("");
    refuse(",40,-1,9", /row 2: bar_total-votes is -1; expected votes/, totals);
    // Debiased by itself each answer may go where it likes, and not be known at all.
    const debiased = `${treeAnswers(tree).map((answer) => `${answer}_debiased`)}\n`;
    const { fractions } = votesIn(`${debiased}.9,.4,.1,nan,.75,0,1\n`).votes;
    assert.deepEqual([...fractions], [0.9, 0.4, 0.1, Number.NaN, Number.NaN, 0, 1]);
  });

  it("name a sum that is wrong, and answers that are missing", () => {
    assert.throws(
      () => votesIn(`${header}\n.5,.4,.3,.25,.75,0,1\n`),
      /row 2: the fractions of shape sum to 1\.2; expected 1/,
    );
    const less = header.replace(",bar_no", "");
    assert.throws(
      () => votesIn(`${less}\n`),
      /a\.csv: 1 answers of the tree have no column: bar_no/,
    );
    const { notices } = votesIn(`${header}\n20,16,4,,,0,32\n`);
    assert.match(notices[0], /Nobody answered bar in a\.csv/);
  });
});

describe("the counts of Galaxy Zoo 2", function () {
  this.timeout(60_000);
  it("rebuilt from fractions are those of a table that has both", async function () {
    if (!existsSync(stripe82)) this.skip();
    const answers = treeAnswers(gz2Questions);
    const wanted = Object.fromEntries(
      answers.flatMap((answer) =>
        ["_count", "_fraction"].map((ending) => [answer + ending, "number" as const]),
      ),
    );
    const { columns, size } = await readCsv(join(stripe82), {
      ...wanted,
      total_classifications: "number",
    });
    const read = (ending: string) => {
      const all = answers.map((answer) => asNumbers(columns[answer + ending]));
      return Float64Array.from({ length: size * 37 }, (_, i) => all[i % 37][Math.floor(i / 37)]);
    };
    const counts = read("_count");
    const fractions = read("_fraction");
    const ranges = questionRanges(gz2Questions as DecisionTree);
    for (const { from, to } of ranges) {
      for (let row = 0; row < size; row++) {
        const own = fractions.subarray(row * 37 + from, row * 37 + to);
        if (own.every((value) => value === 0)) own.fill(Number.NaN);
      }
    }
    const asked = rebuildAsked(gz2Questions, fractions, asNumbers(columns.total_classifications));
    let [exact, near, all] = [0, 0, 0];
    for (let row = 0; row < size; row++) {
      for (const [q, { from, to }] of ranges.entries()) {
        for (let a = from; a < to; a++) {
          const rebuilt = (fractions[row * 37 + a] || 0) * asked[row * 11 + q];
          const off = Math.abs(rebuilt - counts[row * 37 + a]);
          all++;
          if (off < 0.5) exact++;
          if (off < 1.5) near++;
        }
      }
    }
    // The table's fractions are weighted by the volunteers' skill, and its counts are not.
    assert.ok(exact / all > 0.94, `${exact / all} are exact`);
    assert.ok(near / all > 0.99, `${near / all} are within one vote`);
  });
});
