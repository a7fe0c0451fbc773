import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "#lib/core/random";
import { assignSplits } from "#lib/data/assign-splits";
import { balancedRows, epochOrder, rowsByStratum, SAMPLINGS } from "#lib/data/sampling";
import { stratifiedSplit, takeFraction } from "#lib/data/splits";

const strataOf = (sizes: readonly number[]) =>
  sizes.flatMap((n, stratum) => new Array<number>(n).fill(stratum));
const all = (strata: ArrayLike<number>) => Array.from({ length: strata.length }, (_, i) => i);
const count = (split: readonly string[], name: string) => split.filter((s) => s === name).length;

describe("data/sampling", () => {
  it("groups rows, without those of no group", () => {
    const groups = rowsByStratum([2, -1, 0, 2, -1, 0], [0, 1, 2, 3, 5]);
    assert.deepEqual(
      [...groups],
      [
        [0, Uint32Array.of(2, 5)],
        [2, Uint32Array.of(0, 3)],
      ],
    );
  });

  it("gives each group as many rows as the rarest or the commonest has", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sizes, fc.integer(), (perGroup, seed) => {
        const strata = [...strataOf(perGroup), -1, -1];
        for (const how of ["undersample", "oversample"] as const) {
          const rows = balancedRows(strata, all(strata), how, new Random(seed));
          const each = how === "undersample" ? Math.min(...perGroup) : Math.max(...perGroup);
          const times = new Array<number>(strata.length).fill(0);
          for (const row of rows) times[row]++;
          for (const [stratum, n] of perGroup.entries()) {
            const own = times.filter((_, row) => strata[row] === stratum);
            assert.equal(
              own.reduce((a, b) => a + b, 0),
              each,
            );
            const repeats = [Math.floor(each / n), Math.ceil(each / n)];
            assert.ok(own.every((t) => repeats.includes(t)));
          }
          assert.deepEqual(times.slice(-2), [0, 0]);
        }
      }),
    );
  });

  it("orders an epoch, each group equally often if asked, in passes", () => {
    const strata = strataOf([60, 6]);
    const natural = epochOrder(strata, all(strata), "natural", new Random(1));
    assert.deepEqual(
      [...natural].sort((a, b) => a - b),
      all(strata),
    );
    const balanced = epochOrder(strata, all(strata), "balanced", new Random(1));
    assert.equal(balanced.length, 66);
    const times = all(strata).map((row) => balanced.filter((r) => r === row).length);
    assert.ok(times.slice(0, 60).every((t) => t <= 1));
    assert.ok(times.slice(60).every((t) => t === 5 || t === 6));
    assert.deepEqual(epochOrder([-1], [], "balanced", new Random(1)), new Uint32Array());
  });

  it("goes through an epoch by the roots of the groups' sizes", () => {
    // Roots 10, 5 and 1.
    const strata = [...strataOf([100, 25, 1]), -1];
    const order = epochOrder(strata, all(strata), "square-root", new Random(1), 320);
    assert.equal(order.length, 320);
    const drawn = [0, 1, 2].map((stratum) => order.filter((row) => strata[row] === stratum).length);
    assert.deepEqual(drawn, [200, 100, 20]);
    assert.equal(order.filter((row) => strata[row] < 0).length, 0);
    // 15 √5 / √5 is a little more than 15.
    const one = epochOrder(strataOf([5]), all(strataOf([5])), "square-root", new Random(0), 15);
    assert.deepEqual([...one].sort(), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
  });

  it("draws as many as asked, no row twice before every other was drawn once more", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 0, max: 60 }),
        fc.integer(),
        (perGroup, length, seed) => {
          const strata = strataOf(perGroup);
          for (const sampling of SAMPLINGS) {
            const order = epochOrder(strata, all(strata), sampling, new Random(seed), length);
            assert.equal(order.length, length);
            const times = all(strata).map((row) => order.filter((r) => r === row).length);
            const groups =
              sampling === "natural"
                ? [times]
                : perGroup.map((_, s) => times.filter((_, row) => strata[row] === s));
            // The last rows of a balanced order are cut off, as many as groups less one.
            const cut = sampling === "natural" ? 0 : perGroup.length - 1;
            for (const own of groups) assert.ok(Math.max(...own) - Math.min(...own) <= 1 + cut);
          }
        },
      ),
    );
    assert.deepEqual(epochOrder([], [], "natural", new Random(1), 9), new Uint32Array());
  });

  it("does all that with a million rows of one class", () => {
    const strata = new Uint8Array(1_000_100).fill(1, 1_000_000);
    const rows = Uint32Array.from(strata, (_, i) => i);
    assert.equal(epochOrder(strata, rows, "balanced", new Random(1)).length, rows.length);
    assert.equal(balancedRows(strata, rows, "oversample", new Random(1)).length, 2_000_000);
    assert.equal(balancedRows(strata, rows, "undersample", new Random(1)).length, 200);
    assert.equal(takeFraction(strata, rows, 0.5).length, 500_050);
    assert.equal(count(stratifiedSplit(strata, { train: 3, test: 1 }), "train"), 750_075);
  }).timeout(60_000);

  it("leaves rows of no group in no split", () => {
    const strata = [0, 0, -1, 1, 1, -1];
    const split = stratifiedSplit(strata, { train: 1, test: 1 }, { groups: "abccde" });
    assert.deepEqual([split[2], split[5]], ["", ""]);
    assert.deepEqual([...takeFraction(strata, all(strata), 1)], [0, 1, 3, 4]);
  });
});

describe("data/assign-splits", () => {
  const strata = strataOf([20, 20]);

  it("draws a split where the data bring none", () => {
    const { split, notices } = assignSplits([...strata, -1]);
    assert.deepEqual(
      ["train", "val", "test", "unused"].map((name) => count(split, name)),
      [26, 6, 8, 1],
    );
    assert.equal(split[40], "unused");
    assert.match(notices.join(), /^1 of 41 rows have no label: not used.$/);
    const half = assignSplits(strata, { fraction: 0.5, shares: { train: 1, val: 0, test: 1 } });
    assert.deepEqual([count(half.split, "unused"), count(half.split, "val")], [20, 0]);
  });

  it("keeps one that is given, and takes only a validation part from it", () => {
    const given = strata.map((_, i) => (i % 2 === 0 ? "train" : i % 4 === 1 ? "test" : ""));
    const { split, notices } = assignSplits(strata, { given });
    for (const [row, name] of given.entries()) {
      if (name === "test") assert.equal(split[row], "test");
      if (name === "train") assert.ok(["train", "val"].includes(split[row]));
      if (name === "") assert.equal(split[row], "unused");
    }
    assert.equal(count(split, "val"), 4);
    assert.match(notices.join(), /10 rows are in none.*no validation part/);
  });

  it("makes up no test part", () => {
    const given = strata.map((_, i) => (i % 2 === 0 ? "train" : "val"));
    const { split, notices } = assignSplits(strata, { given });
    assert.deepEqual(split, given);
    assert.match(notices.join(), /own split \(train, val\) has no test part/);
  });

  it("keeps objects that are there twice in one split, and says which are not", () => {
    const groups = strata.map((_, row) => (row === 39 ? 20 : row));
    for (let seed = 0; seed < 10; seed++) {
      const { split, notices } = assignSplits(strata, { groups, seed });
      assert.equal(split[39], split[20]);
      assert.match(notices.join(), /^1 rows show an object that is there already/);
    }
    const given = strata.map((_, row) => (row === 39 ? "test" : row < 30 ? "train" : "val"));
    const { notices } = assignSplits(strata, { groups, given });
    assert.match(notices.join(), /1 objects are in more than one of the data's own splits/);
  });

  it("refuses data without labels", () => {
    assert.throws(() => assignSplits([-1, -1]), /None of the 2 rows has a label/);
  });
});
