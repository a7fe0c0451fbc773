import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "#lib/core/random";
import { fitConformal, predictionSets, scoreSets } from "#lib/evaluate/conformal";
import { rankLabelErrors } from "#lib/evaluate/label-errors";
import { crossPredict } from "#lib/evaluate/linear-head";
import {
  createPredictions,
  type Predictions,
  probabilitiesOf,
  selectPredictions,
} from "#lib/evaluate/predictions";
import { readPredictions } from "#lib/evaluate/predictions-file";
import { rankSum } from "#lib/evaluate/rank-sum";

const fixtures = join(__dirname, "../fixtures/evaluate");
const expected = JSON.parse(readFileSync(join(fixtures, "conformal.json"), "utf8"));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** A network that is right as often as it is sure. */
function calibrated(rows: number, classes: number, seed: number): Predictions {
  const random = new Random(seed, "conformal");
  const labels = new Int32Array(rows);
  const probabilities = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const weights = Array.from({ length: classes }, () => Math.exp(2 * random.normal()));
    const total = weights.reduce((a, b) => a + b);
    let left = random.uniform();
    labels[row] = classes - 1;
    for (const [c, weight] of weights.entries()) {
      probabilities[row * classes + c] = weight / total;
      if (left >= 0 && left < weight / total) labels[row] = c;
      left -= weight / total;
    }
  }
  const classNames = range(0, classes).map((c) => `class ${c}`);
  return createPredictions({ classNames, ids: range(0, rows).map(String), labels, probabilities });
}

describe("prediction sets", () => {
  it("are MAPIE's", async () => {
    const all = await readPredictions(join(fixtures, "first.csv"));
    const half = all.ids.length / 2;
    const validation = selectPredictions(all, range(0, half));
    const test = selectPredictions(all, range(half, 2 * half));
    const k = all.classNames.length;
    for (const { coverage, sizes } of expected.threshold) {
      const sets = predictionSets(test, fitConformal(validation, coverage));
      const own = range(0, half).map((row) =>
        sets.subarray(row * k, row * k + k).reduce((a, b) => a + b, 0),
      );
      assert.deepEqual(own, sizes, `coverage ${coverage}`);
    }
  });

  for (const score of ["threshold", "adaptive"] as const)
    it(`hold the true class as often as asked, by ${score}`, () => {
      const validation = calibrated(4000, 5, 1);
      const test = calibrated(4000, 5, 2);
      let before = 0;
      for (const coverage of [0.8, 0.9, 0.95]) {
        const sets = predictionSets(test, fitConformal(validation, coverage, score));
        const scores = scoreSets(test, sets);
        assert.ok(Math.abs(scores.coverage - coverage) < 0.02, `${scores.coverage}`);
        assert.equal(
          scores.sizes.reduce((a, b) => a + b),
          4000,
        );
        assert.ok(scores.meanSize > before && scores.meanSize < 5);
        if (score === "adaptive") assert.equal(scores.sizes[0], 0);
        before = scores.meanSize;
      }
    });

  it("leave nothing out where the rows are too few, and refuse what they cannot use", () => {
    const few = calibrated(5, 3, 3);
    const all = predictionSets(few, fitConformal(few, 0.95));
    assert.ok(all.every((member) => member === 1));
    assert.throws(() => fitConformal(few, 1), /coverage is 1/);
    assert.throws(() => fitConformal(few, Number.NaN), /coverage is NaN/);
    const unlabeled = { ...few, labels: new Int32Array(5).fill(-1) };
    assert.throws(() => fitConformal(unlabeled, 0.9), /None of the 5 predictions has a true class/);
    const { probabilities: _, ...classesOnly } = few;
    assert.throws(() => fitConformal(classesOnly, 0.9), /no probabilities/);
  });
});

describe("label errors", () => {
  it("are cleanlab's", async () => {
    const { given, classes, issues } = expected.labelErrors;
    const table = await readPredictions(join(fixtures, "first.csv"));
    const k = table.classNames.length;
    // Over the classes that are the label of some galaxy, as the fixture's.
    const p = probabilitiesOf(table, "test");
    const shares = table.ids.flatMap((_, row) => {
      const own = classes.map((c: number) => p[row * k + c]);
      const sum = own.reduce((a: number, b: number) => a + b);
      return own.map((value: number) => value / sum);
    });
    const found = rankLabelErrors(
      createPredictions({
        classNames: classes.map((c: number) => table.classNames[c]),
        ids: table.ids,
        labels: given.map((c: number) => classes.indexOf(c)),
        probabilities: shares,
      }),
    );
    const suspects = found.filter(({ suspect }) => suspect).map(({ id }) => Number(id.slice(1)));
    assert.deepEqual([...suspects].sort(), [...issues].sort());
    // Equal ones may stand in another order.
    const confidence = new Map(found.map((row) => [Number(row.id.slice(1)), row.confidence]));
    const inTheirOrder = issues.map((row: number) => confidence.get(row));
    assert.deepEqual(
      inTheirOrder,
      suspects.map((row) => confidence.get(row)),
    );
    assert.ok(found.every(({ confidence }, i) => i === 0 || confidence >= found[i - 1].confidence));
    const moved = suspects.filter((row) => row % 5 === 0).length;
    assert.ok(moved > 2 * 0.2 * suspects.length, `${moved} of ${suspects.length}`);
  });

  it("are found in all of a data set by heads that have not seen them", () => {
    const random = new Random(1);
    const [rows, width, k] = [240, 6, 4];
    const classes = Array.from({ length: rows }, (_, row) => row % k);
    const features = Float32Array.from({ length: rows * width }, (_, at) => {
      const [row, feature] = [Math.floor(at / width), at % width];
      return random.normal() + (feature === classes[row] ? 4 : 0);
    });
    const wrong = new Set(random.permutation(rows).subarray(0, 12));
    const labels = classes.map((c, row) =>
      wrong.has(row) ? (c + 1 + random.integer(k - 1)) % k : c,
    );
    const probabilities = crossPredict(features, labels, k);
    assert.ok(probabilities !== undefined);
    const ids = labels.map((_, row) => `${row}`);
    const classNames = ["a", "b", "c", "d"];
    const table = createPredictions({ classNames, ids, labels, probabilities });
    const found = rankLabelErrors(table);
    const doubt = (errors: boolean) =>
      found.filter(({ id }) => wrong.has(Number(id)) === errors).map((row) => -row.confidence);
    assert.ok(rankSum(doubt(true), doubt(false)).auroc > 0.98);
    const suspects = found.filter(({ suspect, id }) => suspect && wrong.has(Number(id)));
    assert.ok(suspects.length >= 7, `${suspects.length} of 12`);
    for (const { id, suggested } of suspects) assert.equal(suggested, classes[Number(id)]);
    assert.equal(crossPredict(features.subarray(0, 4 * width), [0, 1, 2, 3], k), undefined);
  });
});
