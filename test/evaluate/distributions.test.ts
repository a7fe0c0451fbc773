import assert from "node:assert/strict";
import { normalCdf, normalQuantile, twoSidedPValue } from "#lib/evaluate/distributions";

/** ½ erfc(z / √2) of Python's math, z and value. */
const TAILS = [
  [0, 0.5],
  [1, 0.15865525393145707],
  [2.9, 0.0018658133003840384],
  [3, 0.0013498980316300957],
  [3.1, 0.0009676032132183562],
  [5, 2.866515718791946e-7],
  [8.3, 5.2055697448902866e-17],
  [10, 7.619853024160593e-24],
  [30, 4.906713927148764e-198],
  [37, 5.725571222525139e-300],
] as const;

describe("the normal distribution", () => {
  it("is good to twelve digits, in its tails too", () => {
    for (const [z, expected] of TAILS) {
      assert.ok(Math.abs(normalCdf(-z) / expected - 1) < 1e-12, `Φ(−${z}) = ${normalCdf(-z)}`);
      assert.ok(Math.abs(normalCdf(z) - (1 - expected)) < 1e-15, `Φ(${z}) = ${normalCdf(z)}`);
      assert.equal(twoSidedPValue(z), Math.min(1, 2 * normalCdf(-z)));
    }
    for (const end of [39, Infinity]) {
      assert.equal(normalCdf(-end), 0);
      assert.equal(normalCdf(end), 1);
    }
    assert.equal(twoSidedPValue(-0.3), 1);
    assert.ok(twoSidedPValue(50) > 0);
  });

  it("grows everywhere, and its quantiles lead back", () => {
    for (let z = -8; z < 8; z += 0.01) assert.ok(normalCdf(z) <= normalCdf(z + 0.01), `at ${z}`);
    for (const p of [1e-12, 0.025, 0.5, 0.8])
      assert.ok(Math.abs(normalCdf(normalQuantile(p)) / p - 1) < 1e-9, `${p}`);
  });
});
