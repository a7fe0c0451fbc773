import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { reliabilityTable } from "#lib/evaluate/calibration";
import { mostConfidentMistakes, mostConfusedPairs } from "#lib/evaluate/confusion";
import { type ClassificationMetric, classificationMetrics } from "#lib/evaluate/metrics";
import { createPredictions, type Predictions, selectPredictions } from "#lib/evaluate/predictions";
import { readPredictions } from "#lib/evaluate/predictions-file";
import { logLoss } from "#lib/evaluate/probability";
import { rocAuc, thresholdsOf } from "#lib/evaluate/ranking";
import { evaluate } from "#lib/evaluate/summary";
import { atTemperature, fitTemperature } from "#lib/evaluate/temperature";

const fixtures = join(__dirname, "../fixtures/evaluate");
const expected = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8"));
const load = (name: string) => readPredictions(join(fixtures, `${name}.csv`));

/** Every number in `truth` is found in `actual`, to 1e-9. */
function assertClose(actual: unknown, truth: unknown, path = ""): void {
  if (typeof truth === "number") {
    assert.equal(typeof actual, "number", path);
    const difference = Math.abs((actual as number) - truth);
    assert.ok(difference <= 1e-9 * Math.max(1, Math.abs(truth)), `${path}: ${actual} for ${truth}`);
  } else if (truth !== null && typeof truth === "object") {
    for (const [key, value] of Object.entries(truth))
      assertClose((actual as Record<string, unknown>)[key], value, `${path}.${key}`);
  } else assert.equal(actual, truth, path);
}

describe("metrics", () => {
  for (const name of ["first", "second"]) {
    it(`agree with scikit-learn on ${name}.csv`, async () => {
      assertClose(evaluate(await load(name)), expected[name]);
    });
  }

  it("agree with the published figures of real predictions", async function () {
    const file = join("../shared/data/gz2-splits/gz2_hug_vit_121221C_predictions.csv");
    if (!existsSync(file)) {
      console.log(`      skipped: ${file} is absent`);
      this.skip();
    }
    const columns = { id: "GalaxyID", label: "class", predicted: "pred" };
    const scores = evaluate(await readPredictions(file, columns));
    // From scikit-learn 1.9.1 on the same file.
    assertClose(scores, {
      accuracy: 0.844057580712385,
      balancedAccuracy: 0.7817278292906265,
      macroF1: 0.7890221446392887,
      weightedF1: 0.8427802280629023,
      kappa: 0.8091131414917332,
      matthews: 0.8093036429244616,
    });
    assert.match(JSON.stringify(scores), /"logLoss":null,"ece":null/);
    const recalls = [0.9278, 0.8813, 0.7254, 0.8995, 0.8368, 0.776, 0.551, 0.656];
    recalls.forEach((recall, c) => {
      assert.equal(scores.perClass[c].recall.toFixed(4), recall.toFixed(4));
    });
  });

  it("rank as the definition does, ties included", () => {
    const scored = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 6 })), {
      minLength: 2,
      maxLength: 40,
    });
    fc.assert(
      fc.property(scored, (rows) => {
        const positives = rows.filter(([positive]) => positive).map(([, score]) => score);
        const negatives = rows.filter(([positive]) => !positive).map(([, score]) => score);
        fc.pre(positives.length > 0 && negatives.length > 0);
        const wins = positives.flatMap((p) =>
          negatives.map((n): number => (p > n ? 1 : p === n ? 0.5 : 0)),
        );
        const direct = wins.reduce((a, b) => a + b, 0) / wins.length;
        const auc = rocAuc(
          thresholdsOf(
            createPredictions({
              classNames: ["no", "yes"],
              ids: rows.map((_, row) => `${row}`),
              labels: Int32Array.from(rows, ([positive]) => Number(positive)),
              probabilities: Float64Array.from(rows.flatMap(([, s]) => [1 - s / 6, s / 6])),
            }),
            "yes",
          ),
        );
        assert.ok(Math.abs(auc - direct) < 1e-12, `${auc} for ${direct}`);
      }),
    );
  });

  it("find the temperature of least log loss", async () => {
    const predictions = await load("first");
    const temperature = fitTemperature(predictions);
    assert.ok(Math.abs(temperature - expected.temperature) < 1e-6, `${temperature}`);
    const scaled = atTemperature(predictions, temperature);
    assert.ok(logLoss(scaled) < logLoss(predictions));
    assert.deepEqual(scaled.predicted, predictions.predicted);
  });

  it("say where rows do not determine a temperature", () => {
    const table = (probabilities: number[], labels: number[]) =>
      createPredictions({ classNames: ["a", "b"], ids: ["x", "y"], labels, probabilities });
    const cases: [Predictions, RegExp][] = [
      [table([0.5, 0.5, 0.5, 0.5], [0, 1]), /all classes are equally probable/],
      [table([0.9, 0.1, 0.4, 0.6], [0, 1]), /every true class is the most probable/],
      [table([0.9, 0.1, 0.4, 0.6], [1, 0]), /no more probable than the others/],
    ];
    for (const [predictions, message] of cases)
      assert.throws(() => fitTemperature(predictions), message);
    assert.ok(fitTemperature(table([0.9, 0.1, 0.6, 0.4], [0, 1])) > 0);
    assert.throws(() => atTemperature(cases[0][0], 0), /The temperature is 0/);
  });

  it("refuse what is not finite, and end", () => {
    const good = createPredictions({
      classNames: ["a", "b"],
      ids: ["x", "y"],
      labels: [0, 1],
      probabilities: [0.9, 0.1, 0.4, 0.6],
    });
    const broken = { ...good, probabilities: Float64Array.of(Number.NaN, 0.1, 0.4, 0.6) };
    for (const metric of [
      () => thresholdsOf(broken, 0),
      () => evaluate(broken),
      () => logLoss(broken),
      () => reliabilityTable(broken),
      () => fitTemperature(broken),
    ])
      assert.throws(metric, /row 1 \(x\) has the probability NaN/);
  });

  it("stand in a list that one can be added to", async () => {
    const predictions = await load("first");
    const all: Record<string, ClassificationMetric> = classificationMetrics;
    all.errorRate = {
      description: "Fraction of galaxies given another class.",
      better: "min",
      needsProbabilities: false,
      compute: ({ scores }) => 1 - scores.accuracy,
    };
    try {
      const values: object = evaluate(predictions);
      assert.ok(Math.abs(Reflect.get(values, "errorRate") - 1 + expected.first.accuracy) < 1e-12);
    } finally {
      delete all.errorRate;
    }
    for (const [name, { description }] of Object.entries(all)) {
      assert.match(description, /^[A-Z].*\.$/, name);
      assert.ok(name in expected.first, `${name} is compared with scikit-learn`);
    }
  });

  it("list confused pairs and confident mistakes", async () => {
    const predictions = await load("first");
    const pairs = mostConfusedPairs(predictions, 100);
    const { confusion } = expected.first;
    const off = (confusion as number[][]).flatMap((row, t) =>
      row.filter((n, p) => t !== p && n > 0),
    );
    assert.deepEqual(
      pairs.map((pair) => pair.count),
      off.sort((a, b) => b - a),
    );
    for (const { label, predicted, count, rows } of pairs) {
      assert.equal(confusion[label][predicted], count);
      assert.equal(rows.length, count);
    }
    const mistakes = mostConfidentMistakes(predictions, 1000);
    assert.equal(mistakes.length, Math.round(400 * (1 - expected.first.accuracy)));
    assert.ok(mistakes.every((m, i) => i === 0 || m.confidence <= mistakes[i - 1].confidence));
    const again = selectPredictions(
      predictions,
      mistakes.map((m) => m.row),
    );
    assert.equal(evaluate(again).accuracy, 0);
  });

  it("take a million rows of ten classes", () => {
    const [rows, k] = [1_000_000, 10];
    const probabilities = new Float64Array(rows * k);
    const labels = new Int32Array(rows);
    let [state, correct] = [1, 0];
    const random = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    for (let row = 0; row < rows; row++) {
      labels[row] = Math.floor(random() * k);
      let sum = 0;
      for (let c = 0; c < k; c++) {
        const p = random() + (c === labels[row] ? 0.5 : 0);
        probabilities[row * k + c] = p;
        sum += p;
      }
      const own = row * k;
      for (let c = 0; c < k; c++) probabilities[own + c] /= sum;
      const best = Math.max(...probabilities.subarray(own, own + k));
      if (probabilities[own + labels[row]] === best) correct++;
    }
    const ids = Array.from({ length: rows }, (_, row) => `g${row}`);
    const classNames = Array.from({ length: k }, (_, c) => `class ${c}`);
    const predictions = createPredictions({ classNames, ids, labels, probabilities });
    // What grows with the square of the rows never ends here.
    assert.equal(evaluate(predictions).accuracy, correct / rows);
  });
});
