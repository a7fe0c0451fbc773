import assert from "node:assert/strict";
import { Random } from "#lib/core/random";
import {
  chanceCalibrationError,
  expectedCalibrationError,
  reliabilityTable,
} from "#lib/evaluate/calibration";
import { createPredictions } from "#lib/evaluate/predictions";

/** Answers of two classes, each right as often as it says. */
function truthful(rows: number, random: Random) {
  const sure = Array.from({ length: rows }, () => 0.5 + 0.5 * random.uniform());
  return createPredictions({
    ids: sure.map((_, i) => `g${i}`),
    classNames: ["a", "b"],
    labels: sure.map((p) => (random.uniform() < p ? 0 : 1)),
    probabilities: Float32Array.from(sure.flatMap((p) => [p, 1 - p])),
  });
}

describe("the calibration error that true probabilities show by chance", () => {
  it("is what draws of true probabilities show, in mean and deviation, of few rows and of many", () => {
    for (const rows of [150, 3000]) {
      const random = new Random(3, "draws");
      const tables = Array.from({ length: 400 }, () => reliabilityTable(truthful(rows, random)));
      const seen = tables.map(expectedCalibrationError);
      const mean = seen.reduce((a, b) => a + b, 0) / seen.length;
      const spread = Math.sqrt(seen.reduce((a, b) => a + (b - mean) ** 2, 0) / seen.length);
      const chance = chanceCalibrationError(tables[0]);
      assert.ok(Math.abs(chance.mean - mean) < 0.06 * mean, `${rows}: ${chance.mean} for ${mean}`);
      assert.ok(
        Math.abs(chance.deviation - spread) < 0.15 * spread,
        `${rows}: ${chance.deviation} for ${spread}`,
      );
    }
  });

  it("is nothing where every answer is certain, and of no rows", () => {
    const certain = createPredictions({
      ids: ["g"],
      classNames: ["a", "b"],
      labels: [0],
      probabilities: Float32Array.of(1, 0),
    });
    for (const table of [reliabilityTable(certain), []])
      assert.deepEqual(chanceCalibrationError(table), { mean: 0, deviation: 0 });
  });
});
