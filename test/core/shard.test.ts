import assert from "node:assert/strict";
import { parseShard, shardRange } from "#lib/core/shard";

describe("shards", () => {
  it("hold every row once, in order, and as many as each other but for one", () => {
    for (const [total, count] of [
      [10, 3],
      [7, 7],
      [2, 5],
      [100_000_007, 4001],
    ]) {
      let next = 0;
      const sizes = new Set<number>();
      for (let index = 1; index <= count; index++) {
        const [from, to] = shardRange(total, { index, count });
        assert.equal(from, next);
        sizes.add(to - from);
        next = to;
      }
      assert.equal(next, total);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }
  });

  it("are written k/n, and nothing else is taken", () => {
    assert.deepEqual(parseShard("3/50"), { index: 3, count: 50 });
    for (const wrong of ["0/5", "6/5", "1", "a/b", "1/0", "-1/5", "1.5/5", "1/5/7", ""]) {
      assert.throws(() => parseShard(wrong), /expected k\/n with k from 1 to n/, wrong);
    }
  });
});
