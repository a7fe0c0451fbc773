import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import Papa from "papaparse";
import { UserError } from "#lib/core/errors";
import { csvHeader, readCsv } from "#lib/io/csv";
import { parseCsv } from "#lib/io/csv-table";
import { CsvScanner, formatCsv } from "#lib/io/csv-text";

/** All rows of a text that comes in the given pieces. */
function scan(...pieces: string[]): string[][] {
  const rows: string[][] = [];
  const scanner = new CsvScanner("t.csv", (cells) => {
    rows.push([...cells]);
    return undefined;
  });
  for (const piece of pieces) scanner.push(piece);
  scanner.end();
  return rows;
}

describe("io/csv", () => {
  let folder = "";
  let path = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "csv-"));
    path = join(folder, "a.csv");
  });
  after(() => rm(folder, { recursive: true }));

  it("reads wanted columns: quotes, empty cells, a byte-order mark, Windows line ends", async () => {
    await writeFile(path, '\ufeff"id",name,ra\r\n587722981736120347,"a, ""b""",1.5\r\n\r\n2,,\r\n');
    const table = await readCsv(path, { id: "text", ra: "number", name: "text" });
    assert.deepEqual(table.columns.id, ["587722981736120347", "2"]);
    assert.deepEqual(table.columns.name, ['a, "b"', ""]);
    assert.deepEqual(table.columns.ra, Float64Array.of(1.5, Number.NaN));
    assert.deepEqual([table.size, table.rowNumber(0), table.rowNumber(1)], [2, 2, 4]);
    const none = await readCsv(path, {}, { optional: { dec: "number" } });
    assert.deepEqual(Object.keys(none.columns), []);
    assert.deepEqual(await csvHeader(path), ["id", "name", "ra"]);
  });

  it("reads text that begins with a byte-order mark, before a quote too", () => {
    const { columns } = parseCsv('\ufeff"a,b",c\n1,2\n', "text.csv", {
      "a,b": "number",
      c: "number",
    });
    assert.deepEqual(columns["a,b"], Float64Array.of(1));
  });

  it("reads letters of several bytes wherever a chunk of the file ends", async () => {
    for (let shift = 0; shift < 4; shift++) {
      const rows = Array.from({ length: 9000 }, (_, i) => `g${i},élliptique 🌀\n`);
      await writeFile(path, `id,label${" ".repeat(shift)}\n${rows.join("")}`);
      const { columns } = await readCsv(path, { label: "text" });
      assert.deepEqual([...new Set<string | number>(columns.label)], ["élliptique 🌀"]);
    }
  });

  it("reads UTF-16 as spreadsheets write it, and refuses what is no UTF-8", async () => {
    await writeFile(path, Buffer.from("\ufeffid\tlabel\r\n1\tél\r\n", "utf16le"));
    const { columns } = await readCsv(path, { id: "text", label: "text" });
    assert.deepEqual(columns, { id: ["1"], label: ["él"] });
    await writeFile(path, Buffer.from("id,label\n1,él\n", "latin1"));
    await assert.rejects(readCsv(path, { id: "text" }), /a\.csv: the text is not UTF-8/);
  });

  it("reads a million rows, gzipped, within the memory of the wanted column", async function () {
    this.timeout(120_000);
    const line = (i: number) => `${i},${"x".repeat(60)},${i / 2}\n`;
    const text = Array.from({ length: 1_000_000 }, (_, i) => line(i)).join("");
    await writeFile(`${path}.gz`, gzipSync(`id,filler,half\n${text}`, { level: 1 }));
    const { half } = (await readCsv(`${path}.gz`, { half: "number" })).columns;
    assert.equal(half.length, 1_000_000);
    assert.equal(half[999_999], 499_999.5);
  });

  it("takes time that grows with the length alone, also within quotes", () => {
    const time = (count: number) => {
      const from = performance.now();
      const cell = `"${'a ""quoted"" line\n'.repeat(count)}"\n`;
      const pieces = cell.match(/[\s\S]{1,65536}/gu) ?? [];
      assert.equal(scan("text\n", ...pieces).length, 2);
      return performance.now() - from;
    };
    time(20_000);
    // 16 times the text: 256 times the time if it grew by squares.
    assert.ok(time(320_000) < 64 * Math.max(time(20_000), 5));
  });

  it("names file, row, column and value, rows as a spreadsheet numbers them", async () => {
    const cases: [text: string, word: RegExp][] = [
      ["id,ra\n1,2\n2,north\n", /a.csv, row 3: 'ra' is 'north'; expected a number/],
      ["id,ra\n\n1,2\n\n2,north\n", /row 5: 'ra'/],
      ['id,ra\n"1\n2",2\n2,north\n', /row 3: 'ra'/],
      ["id,ra\n1,2\n2\n", /row 3: 1 cells under a header of 2/],
      ['id,ra\n1,2\n"2,3\n3,4\n', /row 3: a quote is opened and never closed/],
      ['id,ra\n1,2\n"2"x,3\n', /row 3: after a closing quote comes 'x,3/],
      ["id,dec\n1,2\n", /no column 'ra'; it has id, dec/],
      ["id,ra,ra\n1,2,3\n", /two columns are called 'ra'/],
      ["", /empty/],
      ["\n \n", /empty/],
    ];
    for (const [text, word] of cases) {
      await writeFile(path, text);
      await assert.rejects(
        readCsv(path, { ra: "number" }),
        (e: unknown) => e instanceof UserError && word.test(e.problem),
        text,
      );
    }
    await assert.rejects(readCsv(join(folder, "none.csv"), {}), /no such file/);
    await writeFile(`${path}.gz`, gzipSync("id\n1\n").subarray(0, 15));
    await assert.rejects(readCsv(`${path}.gz`, { id: "text" }), UserError);
  });

  it("takes numbers as catalogs write them", () => {
    const text = "x\n 1e-3\n+2.\nNaN\nnull\nN/A\n-inf\n.5\n";
    const { x } = parseCsv(text, "t", { x: "number" }).columns;
    assert.deepEqual([...x], [1e-3, 2, NaN, NaN, NaN, -Infinity, 0.5]);
  });

  it("takes columns that it is told of once the header is known", () => {
    const { columns } = parseCsv("id,p_a,p_b,c\n1,2,3,4\n", "t", (header) =>
      Object.fromEntries(header.filter((c) => c.startsWith("p_")).map((c) => [c, "number"])),
    );
    assert.deepEqual(columns, { p_a: Float64Array.of(2), p_b: Float64Array.of(3) });
  });

  it("reads other delimiters and line ends, quotes inside of cells, blanks around them", () => {
    assert.deepEqual(scan('a;b\r1,5;"x;y"\r'), [
      ["a", "b"],
      ["1,5", "x;y"],
    ]);
    assert.deepEqual(scan('a\tb\n6" scope\t " kept "  \n'), [
      ["a", "b"],
      ['6" scope', " kept "],
    ]);
    assert.deepEqual(scan("a,b\n1, 2 \n,\n3,"), [
      ["a", "b"],
      ["1", "2"],
      ["3", ""],
    ]);
  });

  it("reads the same in any pieces, and what it writes, as papaparse reads it", () => {
    const cell = fc.string({ unit: fc.constantFrom(..."ab ,;\t|\"\n\ré'"), maxLength: 6 });
    const table = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { maxLength: 6 });
    fc.assert(
      fc.property(table, fc.array(fc.nat(80), { maxLength: 5 }), (rows, cuts) => {
        const text = formatCsv(["x", "y", "z"], rows);
        const ends = [0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length].sort(
          (a, b) => a - b,
        );
        const pieces = ends.slice(1).map((end, i) => text.slice(ends[i], end));
        const blank = (cells: string[]) => cells.every((c) => c.trim() === "");
        const expected = [["x", "y", "z"], ...rows.filter((cells) => !blank(cells))];
        assert.deepEqual(scan(...pieces), expected);
        const theirs = Papa.parse<string[]>(text, { delimiter: ",", newline: "\n" }).data;
        assert.deepEqual(
          theirs.filter((cells) => !blank(cells)),
          expected,
        );
      }),
    );
  });
});
