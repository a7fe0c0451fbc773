import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { UserError } from "#lib/core/errors";
import { assignSplits } from "#lib/data/assign-splits";
import {
  loadSplit,
  rowsOfSplit,
  saveSplit,
  splitPresets,
  stratifiedSplit,
  takeFraction,
} from "#lib/data/splits";

function count(labels: readonly number[], split: readonly string[], label: number, name: string) {
  return split.filter((s, i) => s === name && labels[i] === label).length;
}

describe("data/splits", () => {
  it("keeps totals, proportions and every class, whatever the labels", () => {
    const sizes = fc.array(fc.integer({ min: 3, max: 120 }), { minLength: 1, maxLength: 8 });
    const shares = fc.tuple(
      fc.integer({ min: 20, max: 80 }),
      fc.integer({ min: 10, max: 40 }),
      fc.integer({ min: 10, max: 40 }),
    );
    fc.assert(
      fc.property(sizes, shares, fc.integer(), (perClass, [train, val, test], seed) => {
        const labels = perClass.flatMap((n, label) => new Array<number>(n).fill(label));
        const split = stratifiedSplit(labels, { train, val, test }, { seed });
        assert.equal(split.length, labels.length);
        const sum = train + val + test;
        for (const [name, share] of Object.entries({ train, val, test })) {
          for (const [label, n] of perClass.entries()) {
            const got = count(labels, split, label, name);
            assert.ok(got >= 1, `no ${label} in ${name}`);
            assert.ok(Math.abs(got - (n * share) / sum) < 3, `${got} of ${n} for ${share}/${sum}`);
          }
        }
      }),
    );
  });

  it("depends on the seed alone", () => {
    const labels = Array.from({ length: 300 }, (_, i) => i % 4);
    const one = stratifiedSplit(labels, splitPresets["64/16/20"], { seed: 1 });
    assert.deepEqual(
      one,
      stratifiedSplit(labels, { train: 0.64, val: 0.16, test: 0.2 }, { seed: 1 }),
    );
    assert.notDeepEqual(one, stratifiedSplit(labels, splitPresets["64/16/20"], { seed: 2 }));
  });

  it("makes the 15,962 / 1,774 split of Galaxy10 DECaLS", () => {
    const sizes = [1081, 1853, 2645, 2027, 334, 2043, 1829, 2628, 1423, 1873];
    const labels = sizes.flatMap((n, label) => new Array<number>(n).fill(label));
    const split = stratifiedSplit(labels, splitPresets["15962/1774"]);
    assert.equal(rowsOfSplit(split, "train").length, 15962);
    assert.equal(rowsOfSplit(split, "test").length, 1774);
    for (const [label, n] of sizes.entries()) {
      const quota = (n * 1774) / 17736;
      assert.ok(Math.abs(count(labels, split, label, "test") - quota) <= 1);
    }
  });

  it("keeps rows of one object together", () => {
    const objects = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 80, maxLength: 200 });
    fc.assert(
      fc.property(objects, (groups) => {
        const labels = groups.map((g) => g % 2);
        const distinct = (label: number) => new Set(groups.filter((g) => g % 2 === label)).size;
        fc.pre(distinct(0) >= 3 && distinct(1) >= 3);
        const split = stratifiedSplit(labels, splitPresets["64/16/20"], { groups });
        const splitOf = new Map(groups.map((g, i) => [g, split[i]]));
        for (const [i, g] of groups.entries()) assert.equal(split[i], splitOf.get(g));
      }),
    );
  });

  it("names the class that is too small", () => {
    const classNames = ["spiral", "merger"];
    assert.throws(
      () => stratifiedSplit([0, 0, 0, 1], splitPresets["64/16/20"], { classNames }),
      (e: unknown) =>
        e instanceof UserError && /'merger' has 1 image; .* at least 3/.test(e.problem),
    );
    assert.throws(() => stratifiedSplit([0, 1], { train: -1, test: 2 }), UserError);
    assert.throws(() => stratifiedSplit([0, 1], { train: 0 }), UserError);
  });

  it("takes a fraction of each class", () => {
    const labels = Array.from({ length: 1000 }, (_, i) => (i < 900 ? 0 : 1));
    const rows = Array.from({ length: 1000 }, (_, i) => i);
    const taken = Array.from(takeFraction(labels, rows, 0.1));
    assert.equal(taken.filter((r) => labels[r] === 0).length, 90);
    assert.equal(taken.filter((r) => labels[r] === 1).length, 10);
    assert.equal(new Set(taken).size, 100);
    assert.deepEqual(Array.from(takeFraction(labels, rows, 1)), rows);
    assert.equal(takeFraction(labels, rows, 1e-6).length, 2);
    assert.throws(() => takeFraction(labels, rows, 0), UserError);
  });

  it("keeps the data's own split, and says what that lacks", () => {
    const strata = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1];
    const train = Array<string>(12).fill("train");
    const whole = assignSplits(strata, { given: train.with(0, "val").with(6, "test") });
    assert.deepEqual(whole, { split: train.with(0, "val").with(6, "test"), notices: [] });

    const untested = assignSplits(strata, { given: train.with(1, "val") });
    assert.deepEqual(untested.split, train.with(1, "val"));
    assert.match(
      untested.notices.join("\n"),
      /own split \((train, val|val, train)\) has no test part/,
    );

    const gaps = assignSplits(strata, { given: train.with(2, "").with(3, "val").with(4, "test") });
    assert.equal(gaps.split[2], "unused");
    assert.deepEqual(gaps.notices, ["1 rows are in none of the data's own splits: not used."]);

    const shares = { train: 50, val: 50, test: 0 };
    const drawn = assignSplits(strata, { given: train.with(5, "test"), shares });
    assert.equal(drawn.split[5], "test");
    assert.deepEqual(
      [0, 1].map((label) => count(strata, drawn.split, label, "val")),
      [2, 3],
    );
    assert.match(
      drawn.notices.join("\n"),
      /no validation part: it is taken from the training part/,
    );
  });

  it("stores a split and notices when the data have changed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "splits-"));
    const path = join(folder, "split.csv");
    const ids = ["a", 'b,"1"', "c"];
    await saveSplit(path, ids, ["train", "val", "test"]);
    assert.deepEqual(await loadSplit(path, ["c", "a", 'b,"1"']), ["test", "train", "val"]);
    await assert.rejects(loadSplit(path, ["a", 'b,"1"']), /id 'c' is not in the data/);
    await assert.rejects(loadSplit(path, [...ids, "d"]), /no row for id 'd'/);
    await writeFile(path, "id,split\na,train\na,test\n");
    await assert.rejects(loadSplit(path, ["a"]), /row 3: the id "a" is there already, in row 2/);
    await writeFile(path, "id,split\n7.0,Training\n8,VALID\n9,unused\n");
    assert.deepEqual(await loadSplit(path, ["9", "8", "7"]), ["unused", "val", "train"]);
    await writeFile(path, "id,split\n7,train\n\n8,holdout\n");
    await assert.rejects(loadSplit(path, ["7", "8"]), /row 4: split is 'holdout'; expected train/);
    await writeFile(path, "name,part\n");
    await assert.rejects(loadSplit(path, ["a"]), /no column 'id'/);
    await rm(folder, { recursive: true });
  });
});
