import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Table } from "#lib/core/table";
import { openFits } from "#lib/data/fits-file";
import { writeFitsTable } from "#lib/data/fits-table-file";
import { readCsv } from "#lib/io/csv";
import { openParquet } from "#lib/io/parquet-read";
import { predictionCatalog } from "#lib/predict/prediction-catalog";
import { writeCatalog } from "#lib/predict/prediction-catalog-file";
import type { Predictor } from "#lib/predict/predictor";
import { createTask } from "#lib/tasks/registry";
import { temporaryFolder, tinyDataset } from "../train/support";

const tiny = tinyDataset(20_000, 1);
const questions = [
  { name: "shape", answers: ["shape_smooth", "shape_disk"] },
  { name: "bar", answers: ["bar_yes", "bar_no"], after: ["shape_disk"] },
];
const dataset = {
  ...tiny,
  table: {
    ...tiny.table,
    ra: Float64Array.from({ length: tiny.size }, (_, row) => row / 100),
    dec: Float64Array.from({ length: tiny.size }, (_, row) => (row === 3 ? Number.NaN : -1.5)),
  },
};
const voted = {
  ...dataset,
  votes: {
    questions,
    answers: questions.flatMap(({ answers }) => answers),
    fractions: new Float64Array(4 * tiny.size).fill(0.5),
    asked: new Float64Array(2 * tiny.size).fill(40),
  },
};

/** Answers that follow from the row; `asked` is told how many rows each call was about. */
function predictorOf(task: Predictor["task"], asked: number[] = []): Predictor {
  return {
    task,
    async predict(data, rows = [], options) {
      asked.push(rows.length);
      options?.onProgress?.(rows.length, rows.length);
      const width = task.outputs.length;
      const values = Float64Array.from({ length: rows.length * width }, (_, at) => {
        const [row, a] = [rows[Math.floor(at / width)], at % width];
        if (a >= 4) return 8 * (a - 3);
        return (row % 4) / 4 + (a % 2 ? 1 - (2 * (row % 4)) / 4 : 0);
      });
      return task.table(data, rows, values);
    },
    features: () => Promise.reject(new Error("not asked")),
    dispose() {},
  };
}

/** A catalog as others read it, by the ending of its file. */
const readers: Record<string, (path: string) => Promise<Table>> = {
  async csv(path) {
    const { columns } = await readCsv(path, typesOf);
    return columns;
  },
  async parquet(path) {
    const file = await openParquet(path);
    const table: Record<string, (string | number)[]> = {};
    for await (const { columns } of file.groups(typesOf)) {
      for (const [name, values] of Object.entries(columns)) {
        table[name] = [...(table[name] ?? []), ...values];
      }
    }
    await file.close();
    return table as Table;
  },
  async fits(path) {
    const file = await openFits(path);
    const table = file.table();
    file.close();
    return table;
  },
};

const typesOf = (header: readonly string[]) =>
  Object.fromEntries(header.map((name) => [name, name === "id" ? "text" : "number"] as const));

describe("a catalog of predictions", () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  after(() => folder.remove());
  const rows = Uint32Array.from({ length: tiny.size }, (_, i) => i);
  const votes = createTask(voted, { task: "votes", loss: { name: "dirichletMultinomial" } });

  it("of votes has fractions and concentrations, in pieces, and is the same in every file", async () => {
    const header = ["id", "ra", "dec"].concat(
      ["_fraction", "_dirichlet"].flatMap((end) => voted.votes.answers.map((name) => name + end)),
    );
    for (const [ending, read] of Object.entries(readers)) {
      const asked: number[] = [];
      const told: number[] = [];
      const onProgress = (done: number) => told.push(done);
      const catalog = await predictionCatalog(predictorOf(votes, asked), voted, rows, {
        onProgress,
      });
      assert.deepEqual(asked, [16_384]);
      assert.deepEqual(Object.keys(catalog.columns), header);
      assert.deepEqual([catalog.columns.id, catalog.columns.ra], [{ text: 6 }, "float64"]);
      const path = at(`votes.${ending}`);
      assert.equal(await writeCatalog(path, catalog), 20_000);
      assert.deepEqual(asked, [16_384, 3616]);
      assert.deepEqual(told, [16_384, 20_000]);
      const table = await read(path);
      assert.deepEqual(Object.keys(table), header);
      assert.deepEqual([table.id[0], table.id[19_999]], ["g0", "g19999"]);
      assert.deepEqual([table.ra[19_999], table.dec[3], table.dec[4]], [199.99, Number.NaN, -1.5]);
      assert.deepEqual(
        header.slice(3).map((name) => table[name][17_003]),
        [0.75, 0.25, 0.75, 0.25, 6, 2, 12, 4],
      );
    }
  });

  it("of classes has the class and probabilities, and no position where none is known", async () => {
    const { columns, pieces } = await predictionCatalog(
      predictorOf(createTask(tiny)),
      tiny,
      rows.subarray(1, 3),
    );
    assert.deepEqual(columns, {
      ...{ id: { text: 2 }, predicted: { text: 4 } },
      ...{ p_gray: "float32", p_red: "float32" },
    });
    for await (const piece of pieces) {
      assert.deepEqual(piece.id, ["g1", "g2"]);
      assert.deepEqual(piece.predicted, ["red", "gray"]);
      assert.deepEqual([...piece.p_gray], [0.25, 0.5]);
    }
  });

  it("is refused under another ending, and leaves nothing where a piece fails", async () => {
    const catalog = await predictionCatalog(predictorOf(votes), voted, rows.subarray(0, 2));
    await assert.rejects(writeCatalog(at("votes.txt"), catalog), /ends in none of \.csv, /);
    const failing = {
      columns: { id: { text: 2 } },
      pieces: [{ id: ["a"] }, { id: ["abc"] }],
    };
    const pieces = (async function* () {
      yield* failing.pieces;
    })();
    await assert.rejects(
      writeCatalog(at("new.fits"), { ...failing, pieces }),
      /row 2: id is "abc", which is longer than 2 characters.*\.parquet/s,
    );
    assert.throws(() => readFileSync(at("new.fits")), /ENOENT/);
  });
});

describe("data/fits-table-file", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("writes the bytes that astropy writes", async () => {
    const path = join(folder.path, "table.fits");
    const columns = {
      id: { text: 7 },
      ra: "float64",
      "smooth-or-featured_featured-or-disk_dirichlet": "float32",
      "it's": "int64",
    } as const;
    const [first, second] = [
      [
        ["J1", ""],
        [1.5, 359.123456789],
        [1, 2.25],
        ["1", String(-(2 ** 53))],
      ],
      [["J000003"], [Number.NaN], [0.1], [String(2n ** 62n)]],
    ].map((values) => Object.fromEntries(Object.keys(columns).map((name, c) => [name, values[c]])));
    assert.equal(await writeFitsTable(path, columns, [first, second]), 3);
    const theirs = readFileSync("test/fixtures/data/fits/written-table.fits");
    assert.deepEqual(readFileSync(path), theirs);
  });

  it("refuses what FITS does not take", () => {
    const path = join(folder.path, "refused.fits");
    assert.throws(() => writeFitsTable(path, { Größe: "float32" }, []), /no column named "Größe"/);
    assert.throws(() => writeFitsTable(path, { ["x".repeat(69)]: "float32" }, []), /up to 68/);
    return assert.rejects(
      writeFitsTable(path, { id: { text: 9 } }, [{ id: ["é"] }]),
      /row 1: id is "é", which is not ASCII/,
    );
  });
});
