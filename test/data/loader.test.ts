import assert from "node:assert/strict";
import { Random } from "#lib/core/random";
import type { Dataset } from "#lib/data/dataset";
import { openGalaxy10 } from "#lib/data/galaxy10";
import { batchCount, batches, cached } from "#lib/data/loader";

function counting(size: number) {
  const reads: number[][] = [];
  const dataset: Dataset = {
    name: "counting",
    classNames: ["a", "b"],
    table: { id: [], label: Int32Array.from({ length: size }, (_, i) => i % 2) },
    size,
    view: {},
    imageSize: [1, 1],
    async read(rows) {
      const all = Array.from(rows);
      reads.push(all);
      if (all.includes(13)) throw new Error("row 13 is broken");
      return Uint8Array.from(all.flatMap((row) => [row, row + 1, row + 2]));
    },
    close: async () => {},
  };
  return { dataset, reads };
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

describe("data/loader", () => {
  const rows = [...Array(10).keys()];

  it("gives every row once with its pixels", async () => {
    const { dataset } = counting(10);
    const got = await collect(batches(dataset, rows, { batchSize: 4, shuffle: new Random(3) }));
    assert.deepEqual(
      got.map((batch) => batch.rows.length),
      [4, 4, 2],
    );
    const seen = got.flatMap((batch) => Array.from(batch.rows));
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      rows,
    );
    assert.notDeepEqual(seen, rows);
    for (const { images, rows: of } of got) {
      assert.deepEqual(
        Array.from(images),
        Array.from(of).flatMap((r) => [r, r + 1, r + 2]),
      );
    }
  });

  it("drops a short last batch if asked", async () => {
    const { dataset } = counting(10);
    assert.equal(
      (await collect(batches(dataset, rows, { batchSize: 4, dropLast: true }))).length,
      2,
    );
    assert.deepEqual([batchCount(10, 4), batchCount(10, 4, true), batchCount(8, 4)], [3, 2, 2]);
  });

  it("reads ahead, but not further than told", async () => {
    const { dataset, reads } = counting(10);
    const epoch = batches(dataset, rows, { batchSize: 2, prefetch: 2 });
    await epoch.next();
    assert.equal(reads.length, 3);
    await epoch.return();
  });

  it("continues an interrupted epoch exactly", async () => {
    const { dataset } = counting(10);
    const shuffle = new Random(5);
    const state = shuffle.state;
    const whole = await collect(batches(dataset, rows, { batchSize: 3, shuffle }));
    const again = new Random(0);
    again.state = state;
    const rest = await collect(batches(dataset, rows, { batchSize: 3, shuffle: again, start: 2 }));
    assert.deepEqual(rest, whole.slice(2));
    assert.deepEqual(again.state, shuffle.state);
  });

  it("gives an error where its batch would have come", async () => {
    const { dataset } = counting(20);
    const epoch = batches(dataset, [0, 1, 2, 13], { batchSize: 1, prefetch: 8 });
    for (let i = 0; i < 3; i++) assert.equal((await epoch.next()).value?.rows[0], i);
    await assert.rejects(epoch.next(), /row 13 is broken/);
  });

  it("caches pixels that fit, and only those", async () => {
    const { dataset, reads } = counting(10);
    const kept = cached(dataset);
    assert.deepEqual(await kept.read([3, 1]), Uint8Array.of(3, 4, 5, 1, 2, 3));
    assert.deepEqual(
      await kept.read([1, 2, 3, 1]),
      Uint8Array.from([1, 2, 3, 2, 3, 4, 3, 4, 5, 1, 2, 3]),
    );
    assert.deepEqual(await kept.read([2, 3]), Uint8Array.of(2, 3, 4, 3, 4, 5));
    assert.deepEqual(reads, [[3, 1], [2]]);
    assert.equal(cached(dataset, 10, 29), dataset);
    const real = await openGalaxy10("test/fixtures/data/galaxy10_chunked.h5");
    const memory = cached(real);
    assert.deepEqual(await memory.read([5, 2]), await memory.read([5, 2]));
    await memory.close();
  });
});
