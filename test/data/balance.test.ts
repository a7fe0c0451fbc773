import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "#lib/core/random";
import { balancedRows, classWeights } from "#lib/data/balance";

const labelsOf = (sizes: readonly number[]) =>
  sizes.flatMap((n, label) => new Array<number>(n).fill(label));
const all = (labels: readonly number[]) => labels.map((_, i) => i);

describe("data/balance", () => {
  it("gives each class as many rows as the rarest or the commonest has", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sizes, fc.integer(), (perClass, seed) => {
        const labels = labelsOf(perClass);
        for (const how of ["under", "over"] as const) {
          const rows = balancedRows(labels, all(labels), how, new Random(seed));
          const each = how === "under" ? Math.min(...perClass) : Math.max(...perClass);
          const times = new Array<number>(labels.length).fill(0);
          for (const row of rows) times[row]++;
          for (const [label, n] of perClass.entries()) {
            const own = times.filter((_, row) => labels[row] === label);
            assert.equal(
              own.reduce((a, b) => a + b, 0),
              each,
            );
            const repeats = [Math.floor(each / n), Math.ceil(each / n)];
            assert.ok(own.every((t) => repeats.includes(t)));
          }
        }
      }),
    );
  });

  it("weighs classes as the formulas say, with a mean of 1 over the rows", () => {
    const labels = labelsOf([90, 10]);
    const inverse = classWeights(labels, all(labels), 3, "inverse");
    assert.ok(Math.abs(inverse[1] / inverse[0] - 9) < 1e-12);
    assert.ok(Math.abs(0.9 * inverse[0] + 0.1 * inverse[1] - 1) < 1e-12);
    assert.equal(inverse[2], 0);
    // Cui et al.: β = 0.9, E(90) = 9.99924, E(10) = 6.51322.
    const effective = classWeights(labels, all(labels), 2, "effective", 0.9);
    assert.ok(Math.abs(effective[1] / effective[0] - 9.99924 / 6.51322) < 1e-5);
    assert.throws(() => classWeights(labels, all(labels), 2, "effective", 1), /beta is 1/);
  });
});
