import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "#lib/core/random";
import { decalsQuestions } from "#lib/data/decals-tree";
import { drawGalaxy } from "#lib/data/galaxy-parameters";
import { drawVotes, voteChances } from "#lib/data/synthetic-votes";
import { parseTree } from "#lib/data/tree-yaml";
import { betaBinomial, centralInterval } from "#lib/evaluate/beta-binomial";
import { rankCorrelation } from "#lib/evaluate/rank-correlation";
import {
  atConcentrations,
  atVoteTemperature,
  fitConcentrations,
  fitVoteTemperature,
} from "#lib/evaluate/vote-calibration";
import { voteCoverage, voteLikelihood } from "#lib/evaluate/vote-coverage";
import { voteMetrics } from "#lib/evaluate/vote-metrics";
import { createVotePredictions, selectVotes } from "#lib/evaluate/vote-predictions";
import { formatVotePredictions } from "#lib/evaluate/vote-predictions-csv";
import { isVoteTable, readVotePredictions } from "#lib/evaluate/vote-predictions-file";
import { splitUncertainty } from "#lib/evaluate/vote-uncertainty";
import scipy from "../fixtures/evaluate/votes.json";

const questions = parseTree(
  `questions:
  - { name: shape, answers: [smooth, disk, artifact] }
  - { name: bar, answers: [yes, no], after: shape_disk }`,
  "a.yaml",
);
const flat = (rows: readonly (readonly (number | null)[])[]) =>
  Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);
const table = createVotePredictions(
  {
    questions,
    ids: scipy.truth.map((_, i) => `g${i}`),
    values: flat(scipy.values),
    strengths: flat(scipy.strengths),
    truth: flat(scipy.truth),
    asked: flat(scipy.asked),
  },
  "a test",
);
const close = (a: number, b: number, name: string, by = 1e-9) =>
  assert.ok(Math.abs(a - b) < by, `${name}: ${a} for ${b}`);

describe("evaluating votes", () => {
  it("gives SciPy's numbers, of all and of each answer", () => {
    const metrics = voteMetrics(table);
    for (const [name, value] of Object.entries(scipy.overall)) {
      close(metrics[name as keyof typeof scipy.overall], value, name);
    }
    for (const [a, expected] of scipy.perAnswer.entries()) {
      for (const [name, value] of Object.entries(expected)) {
        close(metrics.perAnswer[a][name as keyof typeof expected], value, `${a} ${name}`);
      }
    }
    close(metrics.kaggleRmse, scipy.kaggleRmse, "kaggleRmse");
    for (const [q, value] of scipy.accuracy.entries()) {
      close(metrics.perQuestion[q].accuracy, value, `accuracy ${q}`);
    }
    assert.ok(metrics.perQuestion[1].galaxies <= metrics.perQuestion[0].galaxies);
    for (const [name, { low, high }] of Object.entries(metrics.intervals)) {
      const value = metrics[name as keyof typeof metrics.intervals];
      assert.ok(low < value && value < high, `${name}: ${low} ${value} ${high}`);
    }
  });

  it("covers what SciPy's beta-binomial intervals cover", () => {
    const coverage = voteCoverage(table);
    assert.ok(coverage);
    for (const level of ["50", "80", "95"] as const) {
      close(coverage[level], scipy.coverage[level], level, 1e-7);
    }
    close(voteLikelihood(table), scipy.likelihood, "likelihood", 1e-7);
    const { strengths: _, ...plain } = table;
    assert.equal(voteCoverage(plain), undefined);
    assert.ok(Number.isNaN(voteLikelihood(plain)));
  });

  it("knows the beta-binomial distribution of a thousand votes", () => {
    const chances = betaBinomial(1000, 0.7, 12.5);
    for (const [k, chance] of Object.entries(scipy.betaBinomial)) {
      assert.ok(Math.abs(chances[Number(k)] / chance - 1) < 1e-6 || chance < 1e-30, k);
    }
    close(
      chances.reduce((a, b) => a + b, 0),
      1,
      "sum",
    );
    const { low, high } = centralInterval(chances, 0.8);
    const inside = chances.slice(low, high + 1).reduce((a, b) => a + b, 0);
    assert.ok(inside >= 0.8 && inside < 0.85, `${low} to ${high}: ${inside}`);
  });

  it("covers 50, 80 and 95 % of votes that are drawn from what was predicted", () => {
    const galaxies = Array.from({ length: 150 }, (_, i) =>
      drawGalaxy(i % 10, new Random(3, `galaxy ${i}`)),
    );
    const { fractions, asked } = drawVotes(galaxies);
    const drawn = createVotePredictions(
      {
        questions: decalsQuestions,
        ids: galaxies.map((_, i) => `${i}`),
        values: Float64Array.from(galaxies.flatMap(voteChances)),
        // As good as sure of the chances: votes are then draws from a multinomial distribution.
        strengths: new Float64Array(1500).fill(1e5),
        truth: fractions,
        ...(asked && { asked }),
      },
      "drawn votes",
    );
    const coverage = voteCoverage(drawn);
    assert.ok(coverage);
    for (const [level, share] of Object.entries(coverage)) {
      close(share, Number(level) / 100, level, 0.02);
    }
  });

  it("finds by how much predictions were too sure", () => {
    const galaxies = Array.from({ length: 300 }, (_, i) =>
      drawGalaxy(i % 10, new Random(4, `galaxy ${i}`)),
    );
    const { fractions, asked } = drawVotes(galaxies);
    const chances = Float64Array.from(galaxies.flatMap(voteChances));
    const drawn = createVotePredictions(
      {
        questions: decalsQuestions,
        ids: galaxies.map((_, i) => `${i}`),
        values: chances,
        // Votes are draws from the chances themselves: no strength is too large.
        strengths: new Float64Array(3000).fill(20),
        truth: fractions,
        ...(asked && { asked }),
      },
      "drawn votes",
    );
    const factors = fitConcentrations(drawn);
    const fitted = atConcentrations(drawn, factors);
    assert.ok(voteLikelihood(fitted) < voteLikelihood(drawn));
    assert.ok(factors[0] > 5 && factors[1] > 5, String(factors));
    const [before, after] = [voteCoverage(drawn), voteCoverage(fitted)];
    assert.ok(before && after);
    close(after["80"], 0.8, "80 %", 0.02);
    assert.ok(before["80"] > 0.85, String(before["80"]));
    assert.throws(() => atConcentrations(drawn, [1]), /1 factors for 10 questions/);
    const { strengths: _, ...plain } = drawn;
    assert.throws(() => fitConcentrations(plain), /need strengths/);

    close(fitVoteTemperature(drawn), 1, "temperature", 0.05);
    const hot = atVoteTemperature(drawn, 2);
    close(fitVoteTemperature(hot), 0.5, "temperature", 0.03);
    assert.throws(() => atVoteTemperature(drawn, 0), /temperature is 0/);
  });

  it("is split into what members disagree on, and what each expects", () => {
    const one = (values: number[], strength: number) =>
      createVotePredictions(
        {
          questions,
          ids: ["a"],
          values: Float64Array.from(values),
          strengths: Float64Array.of(strength, 9),
          truth: new Float64Array(5).fill(Number.NaN),
        },
        "a test",
      );
    const members = [one([0.5, 0.4, 0.1, 1, 0], 9), one([0.7, 0.2, 0.1, 1, 0], 4)];
    const { epistemic, aleatoric, total } = splitUncertainty(members);
    close(epistemic[0], 0.01, "epistemic");
    close(aleatoric[0], (0.25 / 10 + 0.21 / 5) / 2, "aleatoric");
    close(total[0], epistemic[0] + aleatoric[0], "total");
    assert.deepEqual([epistemic[2], aleatoric[3]], [0, 0]);
    assert.throws(() => splitUncertainty(members.slice(1)), /1 predictions to compare/);
    const other = { ...members[1], ids: ["b"] };
    assert.throws(() => splitUncertainty([members[0], other]), /1 and 2 are about other galaxies/);
  });

  it("ranks ties alike, and leaves out what is not known", () => {
    close(rankCorrelation([1, 2, 2, 3, NaN], [1, 2, 2, 3, 9]), 1, "equal");
    close(rankCorrelation([1, 2, 3], [3, 2, 1]), -1, "turned round");
    assert.ok(Number.isNaN(rankCorrelation([1, 1], [1, 2])));
  });

  it("refuses what cannot be a fraction, and galaxies of which nothing is known", () => {
    const values = table.values.slice();
    values[7] = 1.2;
    assert.throws(
      () => createVotePredictions({ ...table, values }, "a.csv"),
      /a\.csv: shape_artifact of g1 is 1\.2; expected a fraction/,
    );
    const strengths = new Float64Array(120);
    assert.throws(
      () => createVotePredictions({ ...table, strengths }, "a.csv"),
      /a\.csv: the strength of shape of g0 is 0/,
    );
    const truth = table.truth.map(() => Number.NaN);
    assert.throws(() => voteMetrics({ ...table, truth }), /of none of the galaxies is known/);
  });

  describe("from files", () => {
    const folder = mkdtempSync(join(tmpdir(), "votes-"));
    after(() => rmSync(folder, { recursive: true }));
    const at = (name: string, text: string) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    };
    const tree = at(
      "tree.yaml",
      "questions: [{ name: shape, answers: [smooth, disk, artifact] }, { name: bar, answers: [yes, no], after: shape_disk }]",
    );

    it("reads a table with its truth, or with that of another file in any order", async () => {
      const own = at("own.csv", formatVotePredictions(table));
      assert.deepEqual(await readVotePredictions(own, { tree }), table);
      const bare = at(
        "bare.csv",
        formatVotePredictions({ ...table, truth: table.truth.map(() => Number.NaN) }),
      );
      const header = `id,${table.answers}`;
      const lines = table.ids.map((id, row) =>
        [
          id,
          ...table.answers.map((_, a) => {
            const votes =
              table.truth[row * 5 + a] * (table.asked?.[row * 2 + (a < 3 ? 0 : 1)] ?? 0);
            return Number.isNaN(votes) ? 0 : Math.round(votes);
          }),
        ].join(),
      );
      const truth = at("truth.csv", [header, ...lines.reverse().slice(3)].join("\n"));
      const joined = await readVotePredictions(bare, { tree, truth });
      const known = Array.from({ length: 57 }, (_, row) => row);
      const [a, b] = [joined, table].map((one) => selectVotes(one, known));
      for (const [i, value] of b.truth.entries()) {
        assert.ok(Math.abs(a.truth[i] - value) < 1e-12 || Number.isNaN(value), String(i));
      }
      assert.ok(joined.truth.slice(57 * 5).every(Number.isNaN));
      assert.deepEqual(a.asked, b.asked);
      assert.equal(await isVoteTable(bare), false);
      await assert.rejects(
        readVotePredictions(bare),
        /has not the answers of any of the trees gz2,/,
      );
      const others = at("others.csv", `${header}\nx,1,0,0,0,0\n`);
      await assert.rejects(
        readVotePredictions(bare, { tree, truth: others }),
        /none of the predicted galaxies \(g0, …\) is in .*others\.csv/,
      );
    });
  });
});
