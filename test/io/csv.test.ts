import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { UserError } from "#lib/core/errors";
import { csvHeader, readCsv } from "#lib/io/csv";

describe("data/csv", () => {
  let folder = "";
  let path = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "csv-"));
    path = join(folder, "a.csv");
  });
  after(() => rm(folder, { recursive: true }));

  it("reads wanted columns: quotes, empty cells, a byte-order mark, Windows line ends", async () => {
    await writeFile(path, '\ufeffid,name,ra\r\n587722981736120347,"a, ""b""",1.5\r\n\r\n2,,\r\n');
    const table = await readCsv(path, { id: "text", ra: "number", name: "text" });
    assert.deepEqual(table.id, ["587722981736120347", "2"]);
    assert.deepEqual(table.name, ['a, "b"', ""]);
    assert.deepEqual(table.ra, Float64Array.of(1.5, Number.NaN));
    assert.deepEqual(Object.keys(await readCsv(path, {}, { optional: { dec: "number" } })), []);
    assert.deepEqual(await csvHeader(path), ["id", "name", "ra"]);
  });

  it("reads a million rows, gzipped, within the memory of the wanted column", async function () {
    this.timeout(120_000);
    const line = (i: number) => `${i},${"x".repeat(60)},${i / 2}\n`;
    const text = Array.from({ length: 1_000_000 }, (_, i) => line(i)).join("");
    await writeFile(`${path}.gz`, gzipSync(`id,filler,half\n${text}`, { level: 1 }));
    const { half } = await readCsv(`${path}.gz`, { half: "number" });
    assert.equal(half.length, 1_000_000);
    assert.equal(half[999_999], 499_999.5);
  });

  it("names file, row, column and value", async () => {
    const cases: [text: string, word: RegExp][] = [
      ["id,ra\n1,2\n2,north\n", /a.csv, row 2: 'ra' is 'north'; expected a number/],
      ["id,ra\n1,2\n2\n", /row 2: 1 cells under a header of 2/],
      ["id,dec\n1,2\n", /no column 'ra'; it has id, dec/],
      ["", /empty/],
    ];
    for (const [text, word] of cases) {
      await writeFile(path, text);
      await assert.rejects(
        readCsv(path, { ra: "number" }),
        (e: unknown) => e instanceof UserError && word.test(e.problem),
      );
    }
    await assert.rejects(readCsv(join(folder, "none.csv"), {}), /no such file/);
    await writeFile(`${path}.gz`, gzipSync("id\n1\n").subarray(0, 15));
    await assert.rejects(readCsv(`${path}.gz`, { id: "text" }), UserError);
  });
});
