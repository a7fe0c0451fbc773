import assert from "node:assert/strict";
import { strataWeights } from "#lib/data/sampling";

const labelsOf = (sizes: readonly number[]) =>
  sizes.flatMap((n, label) => new Array<number>(n).fill(label));
const all = (labels: readonly number[]) => labels.map((_, i) => i);

describe("strata weights", () => {
  it("weighs classes as the formulas say, with a mean of 1 over the rows", () => {
    const labels = labelsOf([90, 10]);
    const inverse = strataWeights(labels, all(labels), 3, "inverse");
    assert.ok(Math.abs(inverse[1] / inverse[0] - 9) < 1e-12);
    assert.ok(Math.abs(0.9 * inverse[0] + 0.1 * inverse[1] - 1) < 1e-12);
    assert.equal(inverse[2], 0);
    // Cui et al.: β = 0.9, E(90) = 9.99924, E(10) = 6.51322.
    const effective = strataWeights(labels, all(labels), 2, "effective", 0.9);
    assert.ok(Math.abs(effective[1] / effective[0] - 9.99924 / 6.51322) < 1e-5);
    assert.throws(() => strataWeights(labels, all(labels), 2, "effective", 1), /beta is 1/);
  });
});
