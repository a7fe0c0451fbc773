import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ablationCsv, ablationLatex, ablationTable } from "#lib/evaluate/ablation-table";
import { accuracyByColumn, columnFor } from "#lib/evaluate/by-column";
import { normalQuantile, studentQuantile } from "#lib/evaluate/distributions";
import { ensemblePredictions, ensembleWeights } from "#lib/evaluate/ensemble";
import {
  bootstrapInterval,
  meanInterval,
  scoreInterval,
  wilsonInterval,
} from "#lib/evaluate/intervals";
import { mcNemar } from "#lib/evaluate/mcnemar";
import { createPredictions, probabilitiesOf, selectPredictions } from "#lib/evaluate/predictions";
import { readPredictions } from "#lib/evaluate/predictions-file";
import { evaluate } from "#lib/evaluate/summary";
import { alignVotes, regressionScores, type VoteFractions } from "#lib/evaluate/votes";
import { parseVotes } from "#lib/evaluate/votes-csv";

const fixtures = join(__dirname, "../fixtures/evaluate");
const expected = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8"));
const load = (name: string) => readPredictions(join(fixtures, `${name}.csv`));
const near = (a: number, b: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${a} for ${b}`);

describe("intervals and tests", () => {
  it("agree with SciPy", () => {
    for (const [p, z] of expected.normal) near(normalQuantile(p), z);
    for (const [p, freedom, t] of expected.student) near(studentQuantile(p, freedom), t);
    for (const { hits, total, level, low, high } of expected.wilson) {
      const interval = wilsonInterval(hits, total, level);
      near(interval.low, low);
      near(interval.high, high);
    }
    const { values, low, high } = expected.repeats;
    near(meanInterval(values).low, low);
    near(meanInterval(values).high, high);
  });

  it("McNemar's test agrees with the exact binomial test", async () => {
    const [first, second] = [await load("first"), await load("second")];
    const result = mcNemar(first, second);
    assert.equal(result.onlyFirst, expected.mcNemar.onlyFirst);
    assert.equal(result.onlySecond, expected.mcNemar.onlySecond);
    near(result.pValue, expected.mcNemar.pValue);
    assert.throws(() => mcNemar(first, selectPredictions(second, [1, 0])), /differ in their rows/);
    // Classes and rows in another order are the same table.
    const k = second.classNames.length;
    const reversed = Uint32Array.from(second.ids.keys()).reverse();
    const turned = selectPredictions(second, reversed);
    const renamed = createPredictions({
      classNames: second.classNames.map((_, c) => second.classNames[k - 1 - c].toUpperCase()),
      ids: turned.ids,
      labels: turned.labels.map((c) => k - 1 - c),
      predicted: turned.predicted.map((c) => k - 1 - c),
    });
    assert.deepEqual(mcNemar(first, renamed), result);
    const other = { ...second, labels: second.labels.map((c, row) => (row === 5 ? 3 - c : c)) };
    assert.throws(() => mcNemar(first, other), /^UserError: g5: the true class is/);
    const half = second.labels.map((c, row) => (row % 2 ? -1 : c));
    assert.throws(() => mcNemar(first, { ...second, labels: half }), /g1: .* and unknown in/);
  });

  it("the bootstrap is seeded and as wide as theory says", async () => {
    const predictions = await load("first");
    const interval = scoreInterval(predictions, (s) => s.accuracy, { seed: 3 });
    assert.deepEqual(
      interval,
      scoreInterval(predictions, (s) => s.accuracy, { seed: 3 }),
    );
    assert.notDeepEqual(
      interval,
      scoreInterval(predictions, (s) => s.accuracy, { seed: 4 }),
    );
    const wilson = wilsonInterval(Math.round(interval.value * 400), 400);
    near(interval.low, wilson.low, 0.01);
    near(interval.high, wilson.high, 0.01);
    const generic = bootstrapInterval(
      400,
      (rows) => evaluate(selectPredictions(predictions, rows)).accuracy,
      { seed: 3, samples: 50 },
    );
    assert.deepEqual(
      generic,
      scoreInterval(predictions, (s) => s.accuracy, { seed: 3, samples: 50 }),
    );
  });
});

describe("accuracy against a column", () => {
  it("joins by id, bins by quantiles and leaves out what is not finite", async () => {
    const predictions = await load("first");
    const id = predictions.ids.slice(0, 300).reverse();
    const values = columnFor(predictions.ids, {
      id,
      values: id.map((name) => Number(name.slice(1))),
    });
    assert.equal(values[5], 5);
    assert.deepEqual([...columnFor(["7", "8"], { id: ["8.0", "7.0"], values: [1, 2] })], [2, 1]);
    assert.ok(Number.isNaN(values[350]));
    const bins = accuracyByColumn(predictions, values, { bins: 3 });
    assert.deepEqual(
      bins.map((bin) => bin.count),
      [100, 100, 100],
    );
    const direct = evaluate(
      selectPredictions(
        predictions,
        Uint32Array.from({ length: 100 }, (_, i) => i),
      ),
    );
    near(bins[0].accuracy, direct.accuracy);
    const edges = accuracyByColumn(predictions, values, { edges: [0, 10, 299] });
    assert.deepEqual(
      edges.map((bin) => bin.count),
      [10, 290],
    );
    assert.equal(accuracyByColumn(predictions, values.fill(7)).length, 1);
    assert.throws(() => columnFor(["x"], { id, values: id.map(Number) }), /None of the 1 ids/);
  });
});

describe("vote fractions", () => {
  const { truth, predicted, all, perAnswer } = expected.votes;
  const table = (values: number[][], skip = 0) => ({
    answers: ["smooth", "disk"],
    ids: values.map((_, i) => `g${i + skip}`),
    values: Float64Array.from(values.flat()),
  });

  it("agree with scikit-learn, joined by id", () => {
    const shuffled = { ...table(truth), answers: ["smooth", "disk"] };
    const scores = (of: VoteFractions, a?: number) => {
      const aligned = alignVotes(table(predicted), of);
      const own = (values: Float64Array) => values.filter((_, i) => a === undefined || i % 2 === a);
      return regressionScores(own(aligned), own(table(predicted).values));
    };
    for (const key of ["r2", "mae", "rmse", "correlation"] as const) {
      near(scores(shuffled)[key], all[key]);
      for (const [a, expected] of perAnswer.entries())
        near(scores(shuffled, a)[key], expected[key]);
    }
    // Ids and answers as another program writes them, answers in another order.
    const other = {
      answers: ["Disk", "Smooth"],
      ids: truth.map((_: number[], i: number) => `g${i}`),
      values: Float64Array.from(truth.flatMap(([a, b]: number[]) => [b, a])),
    };
    assert.deepEqual(scores(other), scores(shuffled));
    assert.equal(scores(table(truth.slice(10), 10)).count, 100);
    assert.equal(regressionScores([0.1, Number.NaN], [0.1, 0.2]).count, 1);
  });

  it("come from CSV, and a bad value is named", () => {
    const votes = parseVotes("id,smooth,disk\na,0.5,\nb,0,1\n", "v.csv");
    assert.deepEqual([...votes.values], [0.5, Number.NaN, 0, 1]);
    assert.throws(() => parseVotes("id,smooth\na,1.5\n", "v.csv"), /v\.csv, row 2: smooth is 1\.5/);
  });
});

describe("ensembles", () => {
  it("weigh by nothing, accuracy or inverse error", () => {
    assert.deepEqual(ensembleWeights("equal", [0.2, 0.9]), [0.5, 0.5]);
    assert.deepEqual(ensembleWeights("accuracy", [0.25, 0.75]), [0.25, 0.75]);
    near(ensembleWeights("inverse-mae", [0.1, 0.3])[0], 0.75);
    assert.throws(() => ensembleWeights("inverse-mae", [0.1, 0]), /number above 0/);
  });

  it("average by id, in the first one's order", async () => {
    const [first, second] = [await load("first"), await load("second")];
    const order = Uint32Array.from({ length: 400 }, (_, i) => 399 - i);
    const [a, b] = [first, second].map((table) => probabilitiesOf(table, "test"));
    // Columns in another order and spelling, rows in another order, weights that sum to 4.
    const k = second.classNames.length;
    const columns = Array.from({ length: k }, (_, c) => (c + 1) % k);
    const turned = createPredictions({
      classNames: columns.map((c) => second.classNames[c].toUpperCase()),
      ids: second.ids.map((id) => id),
      probabilities: b.map((_, at) => b[at - (at % k) + columns[at % k]]),
    });
    const mixed = ensemblePredictions([first, selectPredictions(turned, order)], [1, 3]);
    probabilitiesOf(mixed, "test").forEach((p, at) => {
      near(p, 0.25 * a[at] + 0.75 * b[at]);
    });
    assert.deepEqual(mixed.labels, first.labels);
    for (const weights of [
      [0, 0],
      [Number.NaN, 1],
      [-1, 2],
      [Number.POSITIVE_INFINITY, 1],
    ])
      assert.throws(() => ensemblePredictions([first, second], weights), /weights of the ensemble/);
    assert.throws(
      () => ensemblePredictions([first, selectPredictions(second, [0])], [0.5, 0.5]),
      /Member 2 of the ensemble lacks g1/,
    );
  });

  it("know a label that any member knows, and refuse members that were told different ones", () => {
    const member = (classNames: string[], labels: number[]) => {
      const probabilities = Float64Array.of(0.7, 0.3, 0.2, 0.8);
      return createPredictions(
        { classNames, ids: ["a", "b"], labels: Int32Array.from(labels), probabilities },
        "a member",
      );
    };
    const first = member(["bar", "disk"], [0, -1]);
    const both = ensemblePredictions([first, member(["Disk", "Bar"], [-1, 0])], [1, 1]);
    assert.deepEqual([...both.labels], [0, 1]);
    assert.throws(
      () => ensemblePredictions([first, member(["disk", "bar"], [0, 0])], [1, 1]),
      /a: the true class is bar in one prediction table, and disk in that of member 2/,
    );
  });
});

describe("ablation table", () => {
  const run = (model: string, accuracy: number) => ({
    model,
    trainedOn: "balanced",
    testedOn: "un_balanced",
    metrics: { accuracy, logLoss: 1 - accuracy, macroF1: accuracy },
    better: "max" as const,
    breakdown: { name: "recall", overall: "accuracy", scores: { "a,b": accuracy } },
  });
  const table = ablationTable([run("vit", 0.8), run("cnn", 0.7), run("vit", 0.9)]);

  it("joins repeats", () => {
    assert.deepEqual(
      table.rows.map((row) => [row.model, row.repeats]),
      [
        ["vit", 2],
        ["cnn", 1],
      ],
    );
    near(table.rows[0].metrics.accuracy.value, 0.85);
    near(table.rows[0].metrics.accuracy.high, 0.85 + 12.706204736 * 0.05, 1e-8);
    near(table.rows[0].scores[0], 0.85);
  });

  it("matches classes by name", () => {
    const classes = (scores: Record<string, number>) => ({
      ...run("vit", 0.5),
      breakdown: { name: "recall", scores },
    });
    const first = classes({ Round: 0.2, "Edge-on": 0.4 });
    const { rows } = ablationTable([first, classes({ edge_on: 0.6, round: 0.8 })]);
    assert.deepEqual(rows[0].scores, [0.5, 0.5]);
  });

  it("marks the lowest value as the best where less is better", () => {
    const one = (model: string, mae: number) => ({
      ...{ model, trainedOn: "votes", testedOn: "votes", better: "min" as const },
      metrics: { mae },
    });
    const runs = [one("vit", 0.3), one("cnn", 0.2)];
    const latex = ablationLatex(ablationTable(runs));
    assert.match(latex, /vit & votes & votes & \$0\.3000\$ /);
    assert.match(latex, /cnn & votes & votes & \$\\mathbf\{0\.2000\}\$ /);
    const [{ better: _, ...unknown }] = runs;
    assert.doesNotMatch(ablationLatex(ablationTable([unknown])), /mathbf/);
  });

  it("marks the best of each test set, since values of different ones do not compare", () => {
    const one = (model: string, testedOn: string, accuracy: number) => ({
      ...{ model, trainedOn: "all", testedOn, better: "max" as const },
      metrics: { accuracy },
    });
    const runs = [one("vit", "easy", 0.9), one("cnn", "easy", 0.8), one("vit", "hard", 0.5)];
    const latex = (rows: typeof runs) => ablationLatex(ablationTable(rows)).match(/mathbf\{[^}]*/g);
    assert.deepEqual(latex([...runs, one("cnn", "hard", 0.6)]), ["mathbf{0.9000", "mathbf{0.6000"]);
    assert.deepEqual(latex(runs), ["mathbf{0.9000"]);
  });

  it("is written as CSV and LaTeX", () => {
    const [head, first, second] = ablationCsv(table).split("\n");
    assert.match(head, /^model,trained_on,tested_on,repeats,accuracy,accuracy_low,.*"recall_a,b"$/);
    assert.match(first, /^vit,balanced,un_balanced,2,0\.85/);
    assert.match(second, /^cnn,balanced,un_balanced,1,0\.7,,,/);
    const latex = ablationLatex(table);
    assert.ok(latex.includes("vit & balanced & un\\_balanced & $\\mathbf{0.8500} \\pm 0.6353$ &"));
    assert.ok(
      latex.includes("cnn & balanced & un\\_balanced & $0.7000$ & $0.3000$ & $0.7000$ \\\\"),
    );
  });
});
