import assert from "node:assert/strict";
import { Random } from "#lib/core/random";
import { fitFamiliarity, strangeness } from "#lib/models/familiarity";

describe("what is familiar to a network", () => {
  const width = 16;
  const draw = (seed: number, rows: number, shift = 0) => {
    const random = new Random(seed, "features");
    // A third of the features never change, as those of dead units.
    return Float32Array.from({ length: rows * width }, (_, i) =>
      i % width < 5 ? 0.5 : (i % width) * random.normal() + 3 + shift,
    );
  };
  const familiarity = fitFamiliarity(draw(1, 2000), width);
  const strange = (features: Float32Array) =>
    strangeness(features, familiarity).filter((s) => s > familiarity.limit).length /
    (features.length / width);

  it("is a hundredth of its own galaxies strange, and of new ones about as many", () => {
    assert.equal(strange(draw(1, 2000)), 0.01);
    assert.ok(strange(draw(2, 4000)) < 0.02);
  });

  it("tells what lies elsewhere", () => {
    assert.ok(strange(draw(3, 200, 60)) > 0.99);
    // Where the own galaxies are all the same.
    const other = draw(4, 10);
    for (let i = 0; i < other.length; i += width) other[i] = 40;
    assert.equal(strange(other), 1);
  });

  it("is the mean squared distance in standard deviations", () => {
    const known = { mean: [1, 2], deviation: [2, 0.5] };
    const [first, second] = strangeness(Float32Array.of(1, 2, 5, 1), known);
    assert.deepEqual([first, second], [0, 4]);
  });

  it("is not known from a few galaxies", () => {
    assert.throws(() => fitFamiliarity(draw(1, 19), width), /19 galaxies do not show/);
    assert.throws(() => fitFamiliarity(new Float32Array(), width), /0 galaxies do not show/);
  });
});
