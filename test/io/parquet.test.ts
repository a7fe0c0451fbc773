import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { FileMetaData } from "hyparquet";
import type { Table } from "#lib/core/table";
import type { WantedColumns } from "#lib/io/csv-table";
import { checkLayout } from "#lib/io/parquet-layout";
import { openParquet, type ParquetRows } from "#lib/io/parquet-read";
import { writeParquet } from "#lib/io/parquet-write";
import { mutant } from "../fuzz/mutate";

const fixture = (name: string) => join("test/fixtures/io", `${name}.parquet`);

async function readAll(path: string, wanted: WantedColumns) {
  const file = await openParquet(path);
  try {
    const { header, size, metadata } = file;
    const groups: ParquetRows[] = [];
    for await (const group of file.groups(wanted)) groups.push(group);
    return { header, size, metadata, groups };
  } finally {
    await file.close();
  }
}

describe("Parquet files", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "parquet-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("of pandas are read by row groups, ids of 64 bits with all their digits", async () => {
    const { header, size, groups } = await readAll(fixture("pandas"), {
      id: "text",
      name: "text",
      ra: "number",
      mag: "number",
      count: "number",
      half: "number",
    });
    assert.deepEqual(header, ["id", "name", "ra", "mag", "count", "half"]);
    assert.equal(size, 300);
    assert.deepEqual(
      groups.map(({ start, size }) => [start, size]),
      [
        [0, 100],
        [100, 100],
        [200, 100],
      ],
    );
    const { columns } = groups[2];
    assert.equal(columns.id[99], String(2n ** 62n + 299n));
    assert.deepEqual(columns.name.slice(0, 4), ["Spiral", "élliptique", "Σ", ""]);
    assert.deepEqual([...columns.ra.slice(0, 2)], [72, 201 * 0.36]);
    assert.ok(Number.isNaN(columns.ra[6]));
    assert.equal(columns.mag[1], Math.fround(15 + 201 / 300));
    assert.equal(columns.count[3], 3);
    assert.equal(columns.half[1], 201 / 8);
  });

  it("compressed by gzip and brotli are read, of which a value may be missing", async () => {
    for (const codec of ["gzip", "brotli"]) {
      const { groups } = await readAll(fixture(codec), { id: "text", p: "number" });
      assert.deepEqual(groups[0].columns.id.slice(9, 12), ["g9", "", "g11"]);
      assert.deepEqual([...groups[0].columns.p.slice(3, 6)], [0.06, Number.NaN, 0.1]);
    }
  });

  it("that cannot be read say why", async () => {
    const wrong = (name: string, wanted: WantedColumns, why: RegExp) =>
      assert.rejects(readAll(fixture(name), wanted), why);
    await wrong("pandas", { x: "text" }, /no column 'x'; it has id, name, ra, mag, count, half/);
    await wrong("pandas", { name: "number" }, /'name' holds string; expected numbers/);
    await wrong("gzip", { pixels: "text" }, /'pixels' holds lists; expected text or numbers/);
    await wrong("zstd", { p: "number" }, /'p' is compressed by ZSTD; expected one of .*snappy/s);
    await wrong("nowhere", {}, /nowhere\.parquet cannot be read: it is not there/);
  });

  it("come back as they were written, group by group, with what they say of themselves", async () => {
    const path = join(folder, "own.parquet");
    const types = { id: "text", n: "int64", x: "float64", f: "float32", h: "float16" } as const;
    async function* pieces(): AsyncGenerator<Table> {
      yield {
        id: ["a", "b"],
        n: ["9007199254740993", "-1"],
        x: [0.1, NaN],
        f: [1.5, 2],
        h: [3, 4],
      };
      yield { id: [], n: [], x: [], f: [], h: [] };
      yield { id: ["c"], n: [7], x: Float64Array.of(1e300), f: Float32Array.of(-2), h: [0.1] };
    }
    const metadata = { model: "vit", weights: "abc" };
    assert.equal(await writeParquet(path, types, pieces(), { metadata }), 3);
    const wanted = { id: "text", n: "text", x: "number", f: "number", h: "number" } as const;
    const read = await readAll(path, wanted);
    assert.deepEqual([read.size, read.metadata], [3, metadata]);
    const [first, second] = read.groups.map(({ columns }) => columns);
    assert.deepEqual(first.id, ["a", "b"]);
    assert.deepEqual(first.n, ["9007199254740993", "-1"]);
    assert.deepEqual([...first.x], [0.1, Number.NaN]);
    assert.deepEqual([...first.f], [1.5, 2]);
    assert.deepEqual([second.x[0], second.f[0], second.n[0]], [1e300, -2, "7"]);
    // The float16 nearest to 0.1.
    assert.equal(second.h[0], 1638 / 16384);
  });

  it("without rows have their columns", async () => {
    const path = join(folder, "empty.parquet");
    assert.equal(await writeParquet(path, { id: "text", p: "float32" }, []), 0);
    const { header, groups } = await readAll(path, { id: "text" });
    assert.deepEqual([header, groups], [["id", "p"], []]);
  });

  it("are not begun where a piece is wrong", async () => {
    const path = join(folder, "wrong.parquet");
    const write = (table: Table) => writeParquet(path, { id: "text", n: "int64" }, [table]);
    await assert.rejects(write({ id: ["a", "b"], n: [1] }), /'n' has 1 values, and 'id' has 2/);
    await assert.rejects(write({ id: ["a"] }), /'n' has no values/);
    await assert.rejects(write({ id: ["a"], n: [0.5] }), /'n' is 0\.5; expected a whole number/);
    await assert.rejects(write({ id: ["a"], n: ["9223372036854775808"] }), /expected a whole/);
    assert.ok(!readdirSync(folder).some((name) => name.startsWith("wrong")));
  });

  it("that are cut off or damaged are told as such", async () => {
    const whole = readFileSync(fixture("pandas"));
    const path = join(folder, "damaged.parquet");
    const read = (bytes: Buffer) => {
      writeFileSync(path, bytes);
      return readAll(path, { id: "text", name: "text", ra: "number" });
    };
    await assert.rejects(
      read(whole.subarray(0, 900)),
      /is cut off: its end is missing\n {2}→ copy/,
    );
    await assert.rejects(read(Buffer.from("id,label\n1,a\n")), /is no Parquet file/);
    const footer = Buffer.from(whole);
    const length = whole.readUInt32LE(whole.length - 8);
    footer.fill(0xff, whole.length - 8 - length + 20, whole.length - 8 - length + 60);
    await assert.rejects(read(footer), /damaged\.parquet is damaged \(/);
    const vast = { num_rows: 2n ** 26n, row_groups: [{ num_rows: 2n ** 26n, columns: [] }] };
    const layout = { ...vast, version: 1, schema: [], metadata_length: 0 } as unknown;
    assert.throws(
      () => checkLayout(path, layout as FileMetaData, 2 ** 30),
      /a row group has 67108864 rows/,
    );
    const hole = Buffer.concat([whole.subarray(0, 500), whole.subarray(800)]);
    await assert.rejects(read(hole), /is damaged \(/);
  });

  it("whose runs are longer than their pages are refused, not written out", async () => {
    const seeds = ["gzip", "brotli", "pandas"].map((name) => readFileSync(fixture(name)));
    const path = join(folder, "run.parquet");
    // Each of these two ended the process.
    for (const [seed, column] of [
      [713048, "p"],
      [714254, "half"],
    ] as const) {
      writeFileSync(path, mutant(seeds, seed));
      await assert.rejects(
        readAll(path, { [column]: "number" }),
        /is damaged \(a run of \d{10} values, of which (50|100) are left\)/,
      );
    }
  });

  it("that unpack to more than they say are refused before they do", async () => {
    const { parquetWriteFile } = await import("hyparquet-writer");
    const zeros = Buffer.alloc(2 ** 20);
    const bombs = { GZIP: gzipSync(zeros), BROTLI: brotliCompressSync(zeros) } as const;
    for (const [codec, bomb] of Object.entries(bombs)) {
      const filename = join(folder, `${codec}.parquet`);
      const columnData = [{ name: "x", data: Float32Array.of(1, 2, 3), nullable: false }];
      await parquetWriteFile({
        ...{ filename, columnData, codec: codec as keyof typeof bombs },
        compressors: { [codec]: () => bomb },
      });
      await assert.rejects(
        readAll(filename, { x: "number" }),
        /is damaged \(.*larger than 12 bytes/,
      );
    }
  });
});
