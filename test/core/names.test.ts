import assert from "node:assert/strict";
import { argmax } from "#lib/core/argmax";
import { distinctNames, matchNames, nameKey, sameName } from "#lib/core/names";

describe("names", () => {
  it("are the same but for case, spaces and signs", () => {
    assert.ok(sameName("Barred Spiral", "barred_spiral"));
    assert.ok(sameName(" In-between  Round Smooth", "in_between_round_smooth"));
    assert.ok(sameName("Galaxie \u00e9toil\u00e9e", "galaxie_e\u0301toile\u0301e"));
    assert.ok(!sameName("spiral", "spirale"));
    assert.ok(!sameName("?", "!"));
    assert.equal(nameKey("Edge-on (with Bulge)"), "edge_on_with_bulge");
  });

  it("are matched exactly first, and loosely only where nothing else could be meant", () => {
    const match = (wanted: string[], names: string[]) => [...matchNames(wanted, names)];
    assert.deepEqual(match(["b", "a", "c"], ["a", "b"]), [1, 0, -1]);
    assert.deepEqual(match(["Sa?", "Sa"], ["Sa", "Sa?"]), [1, 0]);
    assert.deepEqual(match(["Sa"], ["sa", "sa?"]), [-1]);
    assert.deepEqual(match(["Barred Spiral"], ["merger", "barred_spiral"]), [1]);
  });
});

describe("argmax", () => {
  it("takes the first of equals and passes over NaN", () => {
    assert.equal(argmax([1, 3, 3]), 1);
    assert.equal(argmax([9, Number.NaN, 1, 2, 9], 1, 3), 2);
  });

  it("makes names differ by numbers, whatever numbers are there", () => {
    assert.deepEqual(distinctNames(["x", "x", "x-2", "x", "y"], "-"), [
      ...["x", "x-2", "x-2-2", "x-3", "y"],
    ]);
  });
});
