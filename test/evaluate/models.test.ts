import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  comparisonTable,
  pairedTable,
  tableCsv,
  tableLatex,
  tableMarkdown,
} from "#lib/evaluate/model-table";
import { holmCorrection, wilcoxonTest } from "#lib/evaluate/paired-test";
import { fitStacking, stackVotes } from "#lib/evaluate/stacking";
import { voteMetrics } from "#lib/evaluate/vote-metrics";
import type { VotePredictions } from "#lib/evaluate/vote-predictions";

const fixture = JSON.parse(
  readFileSync(resolve(__dirname, "../fixtures/evaluate/models.json"), "utf8"),
);
const close = (a: number, b: number, tolerance: number) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a}, expected ${b}`);

const questions = [{ name: "shape", answers: ["round", "long", "odd"] }];
const ids = Array.from({ length: fixture.truth.length / 3 }, (_, row) => `g${row}`);
const tableOf = (values: readonly number[]): VotePredictions => ({
  questions,
  answers: questions[0].answers,
  ids,
  values: Float64Array.from(values),
  truth: Float64Array.from(fixture.truth),
});
const members: VotePredictions[] = fixture.members.map(tableOf);

describe("comparing models", () => {
  it("tests pairs as SciPy does, with ties and equal pairs", () => {
    const { pValue, pairs } = wilcoxonTest(fixture.first, fixture.second);
    close(pValue, fixture.pValue, 1e-12);
    assert.ok(pairs <= 73);
    assert.equal(wilcoxonTest([1, 2], [1, 2]).pValue, 1);
    assert.throws(() => wilcoxonTest([1], [1, 2]), /1 values are compared with 2/);
  });

  it("corrects for many comparisons, whatever their order", () => {
    const corrected = holmCorrection(fixture.p);
    for (const [i, p] of fixture.holm.entries()) close(corrected[i], p, 1e-15);
    assert.deepEqual(holmCorrection([Number.NaN, 0.02, 0.01]), [Number.NaN, 0.02, 0.02]);
  });

  it("stacks as SciPy's constrained least squares do", () => {
    const weights = fitStacking(members);
    for (const [m, w] of fixture.weights.entries()) close(weights.shape[m], w, 1e-4);
    const { values, truth } = stackVotes(members, weights);
    const loss = values.reduce((sum, v, i) => sum + (v - truth[i]) ** 2, 0) / values.length;
    close(loss, fixture.loss, 1e-9);
    close(values[0] + values[1] + values[2], 1, 1e-3);
    const other = { ...members[1], ids: [...ids].reverse() };
    assert.throws(() => fitStacking([members[0], other]), /member 2 has other galaxies/);
    assert.throws(() => fitStacking([]), /nothing to stack/);
  });

  it("makes tables best first, failed models last with their reason", () => {
    const results = members.map((predictions, m) => ({
      name: `m${m}`,
      kind: m === 3 ? "XGBoost" : "network",
      ...(m === 3 && { backbone: "m0" }),
      predictions,
      metrics: voteMetrics(predictions, { samples: 50 }),
      seconds: m + 0.55,
    }));
    const failure = { name: "broken", kind: "network", failure: "of a | b & c_d" };
    const table = comparisonTable([failure, ...results]);
    assert.equal(table.model.length, 5);
    assert.equal(table.model[4], "broken");
    const mae = Array.from(table.MAE, Number).slice(0, 4);
    assert.deepEqual(mae, [...mae].sort());
    assert.ok(Number.isNaN(table["p against the best"][0]));
    assert.ok(Number(table["p against the best"][3]) < 0.01);
    const csv = tableCsv(table).trim().split(/\r?\n/);
    assert.match(csv[5], /^broken,network,,{10,12}"?of a \| b & c_d"?$/);
    assert.match(tableMarkdown(table), /\| broken \| network \| – .*of a \\\| b & c_d \|\n$/);
    assert.match(tableLatex(table), /broken & network & – .*of a | b \\& c\\_d \\\\\n\\bottomrule/);
    const pairs = pairedTable([...results, failure]);
    assert.deepEqual(pairs.backbone, ["m0"]);
    close(Number(pairs.difference[0]), results[3].metrics.mae - results[0].metrics.mae, 1e-15);
    assert.ok(Number(pairs.p[0]) < 0.01);
  });
});
