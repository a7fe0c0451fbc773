import assert from "node:assert/strict";
import { createPredictions } from "#lib/evaluate/predictions";
import { ellipseMask } from "#lib/explain/localization";
import { pickGalaxies } from "#lib/explain/pick";

describe("galaxies to look at", () => {
  const probabilities = Float64Array.of(0.1, 0.9, 0.8, 0.2, 0.6, 0.4, 0.8, 0.2, 0.3, 0.7);
  const table = createPredictions(
    {
      classNames: ["bar", "disk"],
      ids: ["a", "b", "c", "d", "e"],
      labels: Int32Array.of(0, 0, 0, 0, -1),
      probabilities,
    },
    "a table",
  );
  const ids = (by: Parameters<typeof pickGalaxies>[1]) =>
    pickGalaxies(table, by).map(({ id }) => id);

  it("are the surest right one of each class, before a surer wrong one", () => {
    assert.deepEqual(ids("class"), ["b", "e"]);
  });

  it("are the surest first, equals in the order of the rows; doubtful ones the other way round", () => {
    assert.deepEqual(ids("confidence"), ["a", "b", "d", "e", "c"]);
    assert.deepEqual(ids("doubt"), ["c", "e", "d", "b", "a"]);
    assert.deepEqual(ids("mistake"), ["a"]);
    assert.equal(pickGalaxies(table, "mistake")[0].name, "bar, called disk");
  });

  it("lie on an ellipse of twice the radius", () => {
    const shape = { radius: 5, axisRatio: 0.5, positionAngle: 0, pixel: 0.5 };
    const mask = ellipseMask([100, 100], shape);
    const area = mask.reduce((sum, one) => sum + one, 0) * 0.5 ** 2;
    assert.ok(Math.abs(area / (Math.PI * 10 * 5) - 1) < 0.02, String(area));
  });
});
