import assert from "node:assert/strict";
import { UserError } from "#lib/core/errors";
import { accuracyByColumn } from "#lib/evaluate/by-column";
import { reliabilityTable } from "#lib/evaluate/calibration";
import { countConfusion, mostConfidentMistakes, mostConfusedPairs } from "#lib/evaluate/confusion";
import { createPredictions, labeledPredictions } from "#lib/evaluate/predictions";
import { formatPredictions, parsePredictions, parseTruth } from "#lib/evaluate/predictions-csv";
import { logLoss } from "#lib/evaluate/probability";
import { thresholdsOf } from "#lib/evaluate/ranking";
import { evaluate } from "#lib/evaluate/summary";
import { withTruth } from "#lib/evaluate/truth";

const throws = (action: () => unknown, message: RegExp) =>
  assert.throws(action, (error) => error instanceof UserError && message.test(error.message));

describe("tables with less than everything", () => {
  it("without probabilities give the metrics of classes, and null for the others", () => {
    const table = parsePredictions("G,class,pred\n1,0,0\n2,10,2\n3,2,2\n", "p.csv", {
      id: "G",
      label: "class",
      predicted: "pred",
    });
    assert.deepEqual(table.classNames, ["0", "2", "10"]);
    assert.equal(table.probabilities, undefined);
    const { accuracy, logLoss: loss, brier, perClass } = evaluate(table);
    assert.equal(accuracy, 2 / 3);
    assert.deepEqual([loss, brier, perClass[0].rocAuc], [Number.NaN, Number.NaN, null]);
    throws(() => logLoss(table), /Log loss: the prediction table holds classes/);
    assert.equal(formatPredictions(table), "id,label,predicted\n1,0,0\n2,10,2\n3,2,2\n");
  });

  it("match classes by name, whatever their spelling", () => {
    const table = parsePredictions("id,label,predicted\na,Barred Spiral,barred_spiral\n", "p.csv");
    assert.deepEqual(table.classNames, ["Barred Spiral"]);
    assert.equal(evaluate(table).accuracy, 1);
    throws(
      () => parsePredictions("id,label,predicted\na,3,spiral\n", "p.csv"),
      /p\.csv: label says "3" and predicted "spiral"/,
    );
  });

  it("with some labels are measured on those alone", () => {
    const whole = parsePredictions(
      "id,label,p_a,p_b\nx,a,0.9,0.1\ny,,0.2,0.8\nz,a,0.2,0.8\n",
      "p.csv",
    );
    assert.deepEqual([...whole.labels], [0, -1, 0]);
    const known = labeledPredictions(whole);
    assert.deepEqual(known.ids, ["x", "z"]);
    assert.deepEqual(evaluate(whole), evaluate(known));
    assert.equal(evaluate(whole).rows, 2);
    // Each function by itself too, and rows keep their numbers.
    assert.deepEqual(countConfusion(whole), countConfusion(known));
    assert.deepEqual(reliabilityTable(whole), reliabilityTable(known));
    assert.deepEqual(thresholdsOf(whole, "a"), thresholdsOf(known, "a"));
    assert.deepEqual(mostConfusedPairs(whole)[0].rows, [2]);
    assert.deepEqual(
      mostConfidentMistakes(whole).map(({ row }) => row),
      [2],
    );
    assert.deepEqual(accuracyByColumn(whole, [1, 2, 3], { bins: 1 })[0].count, 2);
    assert.equal(
      evaluate(whole)
        .confusion.flat()
        .reduce((a, b) => a + b),
      2,
    );
  });

  it("without any label are read, and say so when measured", () => {
    const table = parsePredictions("id,p_a,p_b\nx,0.9,0.1\n", "p.csv");
    throws(() => evaluate(table), /None of the 1 predictions has a true class/);
  });

  it("get their labels from elsewhere, by id and name", () => {
    const table = parsePredictions("id,p_Round,p_Edge-on\n7,0.9,0.1\n8,0.6,0.4\n9,0,1\n", "p.csv");
    const truth = parseTruth("asset,kind\n8.0,edge_on\n5,other\n7.0,round\n", "t.csv", {
      id: ["id", "asset"],
      label: "kind",
    });
    const joined = withTruth(table, truth);
    assert.deepEqual([...joined.labels], [0, 1, -1]);
    assert.deepEqual(joined.probabilities, table.probabilities);
    const classes = parsePredictions("id,predicted\n7,round\n8,spiral\n", "p.csv");
    assert.deepEqual(withTruth(classes, truth).classNames, ["edge_on", "round", "spiral"]);
    assert.equal(evaluate(withTruth(classes, truth)).accuracy, 0.5);
    throws(
      () => withTruth(table, { ids: ["8"], labels: ["merger"] }),
      /the label of 8 is "merger"/,
    );
    throws(
      () => withTruth(table, { ids: ["1"], labels: ["round"] }),
      /none of the 3 predicted ids/,
    );
    const some = parsePredictions("id,label,predicted\n1,nan,a\n2,NA,b\n3,a,a\n", "p.csv");
    assert.deepEqual(
      [some.classNames, [...some.labels]],
      [
        ["a", "b"],
        [-1, -1, 0],
      ],
    );
    throws(
      () => parsePredictions("id,label,predicted\n1,a,a\n2,b,None\n", "p.csv"),
      /row 3: predicted is "None"/,
    );
    throws(
      () => withTruth(table, parseTruth("id,label\n8,Round\n\n8.0,Round\n", "t.csv")),
      /row 4: the id "8\.0" is there already, in row 2/,
    );
  });
});

describe("createPredictions", () => {
  const good = { classNames: ["a", "b"], ids: ["x", "y"], probabilities: [0.25, 0.75, 1, 0] };

  it("knows the most probable class, and takes the first of equals", () => {
    assert.deepEqual([...createPredictions(good).predicted], [1, 0]);
    assert.deepEqual([...createPredictions(good).labels], [-1, -1]);
    const equal = createPredictions({
      ...good,
      probabilities: [0.5, 0.5, 0, 1],
      predicted: [1, 1],
    });
    assert.deepEqual([...equal.predicted], [0, 1]);
  });

  const bad: [name: string, change: object, message: RegExp][] = [
    ["a NaN", { probabilities: [Number.NaN, 1, 1, 0] }, /row 1 \(x\): the probability of a is NaN/],
    [
      "an infinity",
      { probabilities: [0, 1, Infinity, 0] },
      /row 2 \(y\): the probability of a is Inf/,
    ],
    ["a sum", { probabilities: [0.5, 0.25, 1, 0] }, /row 1 \(x\): the probabilities sum to 0\.75/],
    ["too few", { probabilities: [1, 0] }, /2 probabilities for 2 rows and 2 classes/],
    ["a label too large", { labels: [0, 2] }, /row 2 \(y\): the label is 2/],
    ["a label that is no index", { labels: [0, 0.5] }, /row 2 \(y\): the label is 0\.5/],
    ["another prediction", { predicted: [0, 0] }, /row 1 \(x\): the predicted class is a, which/],
    ["an id twice", { ids: ["x", "x"] }, /row 2: the id "x" is there already, in row 1/],
    ["a class twice", { classNames: ["a", "a"] }, /two classes are called "a"/],
    ["nothing", { probabilities: undefined }, /neither predicted classes nor probabilities/],
  ];
  for (const [name, change, message] of bad) {
    it(`refuses ${name}`, () => {
      throws(() => createPredictions({ ...good, ...change }), message);
    });
  }
});
