import assert from "node:assert/strict";
import { moments, symmetricEigenvalues } from "#lib/core/linear-algebra";
import { Random } from "#lib/core/random";
import { angularDistance } from "#lib/data/angular-size";
import { pairedAgreement } from "#lib/evaluate/agreement";
import { classifierTest } from "#lib/evaluate/classifier-test";
import { frechetDistance, frechetTest } from "#lib/evaluate/frechet-distance";
import { kolmogorovSmirnov } from "#lib/evaluate/kolmogorov-smirnov";
import { labelShift } from "#lib/evaluate/label-shift";
import { askHead, oneHot, trainHead } from "#lib/evaluate/linear-head";
import { maximumMeanDiscrepancy } from "#lib/evaluate/mean-discrepancy";
import { createPredictions } from "#lib/evaluate/predictions";
import { rankSum } from "#lib/evaluate/rank-sum";
import expected from "../fixtures/evaluate/shift.json";

const close = (a: number, b: number, by = 1e-9) =>
  assert.ok(Math.abs(a - b) <= by * Math.max(1, Math.abs(b)), `${a} for ${b}`);
const matrix = (rows: readonly (readonly number[])[]) => ({
  values: Float64Array.from(rows.flat()),
  width: rows[0].length,
});
const [first, second] = [matrix(expected.first), matrix(expected.second)];
const ids = (n: number) => Array.from({ length: n }, (_, i) => `g${i}`);

describe("shift between two samples", () => {
  it("is what SciPy, NumPy and Astropy say", () => {
    const values = Float64Array.from([...first.values, ...second.values]);
    const eigenvalues = symmetricEigenvalues(moments(values, 5).covariance, 5).sort();
    for (const [i, value] of expected.eigenvalues.entries()) close(eigenvalues[i], value);
    close(frechetDistance(first, second), expected.frechet, 1e-7);
    close(maximumMeanDiscrepancy(first, second, { permutations: 1 }).statistic, expected.mmd);
    for (const [c, [statistic, pValue]] of expected.kolmogorovSmirnov.entries()) {
      const column = ({ values }: typeof first) => values.filter((_, i) => i % 5 === c);
      const test = kolmogorovSmirnov(column(first), column(second));
      close(test.statistic, statistic);
      close(test.pValue, pValue, 0.03);
    }
    const rounded = ({ values }: typeof first) =>
      values
        .filter((_, i) => i % 5 === 0)
        .map((value) => Math.sign(value) * Math.round(Math.abs(value)));
    const { auroc, pValue } = rankSum(rounded(first), rounded(second));
    close(auroc, expected.rankSum[0]);
    close(pValue, expected.rankSum[1]);
    for (const [i, z] of expected.redshifts.entries()) {
      close(angularDistance(z), expected.distances[i], 1e-7);
    }
  });

  it("that cannot be overlooked is no less probable than 0", () => {
    for (const size of [100, 200, 400, 2000]) {
      const one = Array.from({ length: size }, (_, i) => i);
      const { auroc, pValue } = rankSum(
        one.map((value) => value + size),
        one,
      );
      assert.equal(auroc, 1);
      assert.ok(pValue > 0 && pValue < 1e-12, `${size}: ${pValue}`);
    }
  });

  it("is not found where there is none, and found where there is", () => {
    const sample = (seed: number, shift: number) => {
      const random = new Random(seed);
      const values = Float64Array.from({ length: 60 * 8 }, (_, i) =>
        random.normal(i % 8 ? 0 : shift),
      );
      return { values, width: 8 };
    };
    for (const test of [frechetTest, maximumMeanDiscrepancy]) {
      const options = { permutations: 99, seed: 1 };
      const same = test(sample(1, 0), sample(2, 0), options);
      assert.ok(same.pValue > 0.05, `${test.name} ${same.pValue}`);
      const other = test(sample(1, 0), sample(2, 1.5), options);
      assert.equal(other.pValue, 0.01);
      assert.equal(other.permuted.length, 99);
      assert.deepEqual(test(sample(1, 0), sample(2, 1.5), options), other);
    }
    assert.ok(classifierTest(sample(1, 0), sample(2, 0)).pValue > 0.05);
    const { pValue, accuracy, auroc } = classifierTest(sample(1, 0), sample(2, 3));
    assert.ok(pValue < 1e-5 && accuracy > 0.85 && auroc > 0.9, `${pValue} ${accuracy} ${auroc}`);
    assert.throws(
      () => frechetTest(first, { values: [1, 2], width: 2 }),
      /have 5 and 2 numbers a galaxy/,
    );
  });

  it("is measured on fewer galaxies than features", () => {
    const some = (seed: number) => {
      const random = new Random(seed);
      return { values: Float64Array.from({ length: 10 * 40 }, () => random.normal()), width: 40 };
    };
    close(frechetDistance(some(1), some(1)), 0, 1e-5);
    assert.ok(frechetDistance(some(1), some(2)) > 10);
  });

  it("of labels is the maximum of the likelihood", () => {
    const classNames = ["a", "b", "c"];
    const known = createPredictions({
      ...{ classNames, ids: ids(40), labels: Int32Array.from(expected.labels) },
      probabilities: oneHot(expected.labels, 3),
    });
    const other = createPredictions({
      ...{ classNames, ids: ids(50), probabilities: expected.likely.flat() },
    });
    const { after, predictions } = labelShift(known, other);
    for (const [c, share] of expected.after.entries()) close(after[c], share, 1e-4);
    const sums = [0, 1, 2].map((c) =>
      (predictions.probabilities ?? new Float64Array()).reduce(
        (sum, p, i) => sum + (i % 3 === c ? p / 50 : 0),
        0,
      ),
    );
    for (const [c, share] of sums.entries()) close(share, after[c], 1e-6);
    const renamed = { ...other, classNames: ["a", "b", "d"] };
    assert.throws(() => labelShift(known, renamed), /about a, b, c and about a, b, d/);
  });

  it("of predictions is told galaxy by galaxy", () => {
    const table = (probabilities: number[], labels?: number[]) =>
      createPredictions({ classNames: ["a", "b"], ids: ids(4), probabilities, labels });
    const one = table([0.9, 0.1, 0.8, 0.2, 0.3, 0.7, 0.4, 0.6]);
    const two = table([0.7, 0.3, 0.4, 0.6, 0.3, 0.7, 0.4, 0.6]);
    const { same, kappa, distance, confusion, pValue } = pairedAgreement(one, two);
    close(same.value, 0.75);
    close(kappa, 0.5);
    close(distance, 0.15);
    assert.deepEqual(confusion, [
      [1, 1],
      [0, 2],
    ]);
    assert.ok(Number.isNaN(pValue));
    assert.throws(
      () => pairedAgreement(one, { ...two, ids: ["g0", "g1", "x", "g3"] }),
      /g2 and x in row 3/,
    );
  });
});

describe("a head on features", () => {
  it("is scikit-learn's logistic regression, and learns fractions and numbers of votes alike", () => {
    const features = Float32Array.from(first.values);
    const targets = oneHot(expected.classes, 3);
    const said = askHead(trainHead(features, targets, 3), features);
    for (const [i, p] of expected.regression.flat().entries()) close(said[i], p, 5e-3);
    // Twice the votes everywhere are the same fractions; a galaxy of no votes weighs nothing.
    const twice = askHead(
      trainHead(
        features,
        targets.map((t) => 2 * t),
        3,
      ),
      features,
    );
    for (const [i, p] of said.entries()) close(twice[i], p, 1e-6);
    const without = Float64Array.from([...targets, 0, 0, 0]);
    assert.equal(
      trainHead(Float32Array.from([...features, 9, 9, 9, 9, 9]), without, 3).bias.length,
      3,
    );
  });
});
