import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { UserError } from "#lib/core/errors";
import { createPredictions } from "#lib/evaluate/predictions";
import { formatPredictions, parsePredictions } from "#lib/evaluate/predictions-csv";
import { readPredictions, writePredictions } from "#lib/evaluate/predictions-file";
import { readVotePredictions } from "#lib/evaluate/vote-predictions-file";
import { readVotes } from "#lib/evaluate/votes-file";

const good =
  "id,label,predicted,p_spiral,p_smooth\na,spiral,smooth,0.25,0.75\nb,1,smooth,0.5,0.5\n";

describe("prediction tables", () => {
  it("read names and indices of classes", () => {
    const table = parsePredictions(good, "p.csv");
    assert.deepEqual(table.classNames, ["spiral", "smooth"]);
    assert.deepEqual([...table.labels], [0, 1]);
    assert.deepEqual([...(table.probabilities ?? [])], [0.25, 0.75, 0.5, 0.5]);
  });

  it("come back from a file exactly, whatever the names", async () => {
    const folder = await mkdtemp(join(tmpdir(), "predictions-"));
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
      .filter((s) => !/^\d+$/.test(s) && s.trim() === s && !s.includes("\0"));
    const tables = fc
      .record({
        classNames: fc.uniqueArray(name, { minLength: 2, maxLength: 6 }),
        rows: fc.uniqueArray(
          fc.tuple(
            name,
            fc.nat(),
            fc.array(fc.double({ min: 1e-9, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
          ),
          {
            minLength: 1,
            maxLength: 8,
            selector: ([id]) => id,
          },
        ),
      })
      .map(({ classNames, rows }) => {
        const k = classNames.length;
        const probabilities = rows.flatMap(([, , values]) => {
          const sum = values.slice(0, k).reduce((a, b) => a + b, 0);
          return values.slice(0, k).map((v) => Math.min(v / sum, 1));
        });
        return createPredictions({
          classNames,
          ids: rows.map(([id]) => id),
          labels: rows.map(([, label]) => (label % (k + 1)) - 1),
          probabilities,
        });
      });
    try {
      await fc.assert(
        fc.asyncProperty(tables, async (table) => {
          const path = join(folder, "p.csv");
          await writePredictions(path, table);
          assert.deepEqual(await readPredictions(path), table);
        }),
        { numRuns: 100 },
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("write what the header promises", () => {
    const text = formatPredictions(parsePredictions(good, "p.csv"));
    assert.equal(
      text,
      "id,label,predicted,p_spiral,p_smooth\na,spiral,smooth,0.25,0.75\nb,smooth,spiral,0.5,0.5\n",
    );
  });

  it("take probabilities that were rounded to three decimals", () => {
    const names = Array.from({ length: 10 }, (_, c) => `p_${c}`);
    const third = (p: number) => p.toFixed(3);
    // Ten times 0.0995 and the like: 0.996 after rounding.
    const cells = Array.from({ length: 10 }, (_, c) => third(c === 0 ? 0.1 : 0.09953 + 1e-5 * c));
    const text = `id,label,${names}\na,0,${cells}\n`;
    assert.equal(parsePredictions(text, "p.csv").predicted[0], 0);
    const less = text.replace("0.100", "0.090");
    assert.throws(() => parsePredictions(less, "p.csv"), /the probabilities sum to 0\.9/);
  });

  const bad: [name: string, text: string, message: RegExp][] = [
    ["no id", good.replace("id,", "name,"), /p\.csv: no column "id"/],
    ["no probabilities", "id,label\na,0\n", /p\.csv: neither a column "predicted" nor/],
    ["no rows", "id,label,p_a,p_b\n", /no rows/],
    ["cut off", `${good}c,smoo`, /p\.csv, row 4: 2 cells under a header of 5/],
    ["unknown class", good.replace("a,spiral", "a,elliptical"), /row 2: label is "elliptical"/],
    ["index too large", good.replace("b,1", "b,2"), /row 3: label is "2"/],
    ["not a number", good.replace("0.25", "x"), /row 2: 'p_spiral' is 'x'/],
    ["empty", good.replace("0.25", ""), /row 2 \(a\): the probability of spiral is NaN/],
    ["negative", good.replace("0.25", "-0.25"), /row 2 \(a\): the probability of spiral is -0.25/],
    ["logits", good.replace("0.25,0.75", "0.9,0.9"), /row 2 \(a\): the probabilities sum to 1.8/],
    [
      "another prediction",
      good.replace("smooth,0.25", "spiral,0.25"),
      /row 2 \(a\): the predicted class is spiral/,
    ],
    [
      "infinite",
      good.replace("0.25", "Infinity"),
      /row 2 \(a\): the probability of spiral is Infinity/,
    ],
    [
      "twice the same id",
      good.replace("b,1", "a,1"),
      /row 3: the id "a" is there already, in row 2/,
    ],
    ["an open quote", good.replace("a,", '"a,'), /row 2: a quote is opened and never closed/],
    [
      "twice the same class",
      good.replace("p_smooth", "p_spiral"),
      /two columns are called 'p_spiral'/,
    ],
  ];
  for (const [name, text, message] of bad) {
    it(`refuse: ${name}`, () => {
      assert.throws(
        () => parsePredictions(text, "p.csv"),
        (error) => error instanceof UserError && message.test(error.message),
      );
    });
  }

  it("read any text as a table or say what is wrong with it", () => {
    const line = fc.array(fc.constantFrom("id", "label", "p_a", "p_b", "a", "1", "0.5", "", '"'), {
      maxLength: 5,
    });
    const text = fc.oneof(
      fc.string(),
      fc.array(line, { maxLength: 5 }).map((lines) => lines.map((l) => l.join(",")).join("\n")),
      fc
        .tuple(fc.nat(good.length), fc.string({ maxLength: 3 }))
        .map(([at, piece]) => good.slice(0, at) + piece + good.slice(at + piece.length)),
    );
    fc.assert(
      fc.property(text, (csv) => {
        try {
          const { ids, predicted } = parsePredictions(csv, "p.csv");
          assert.equal(predicted.length, ids.length);
        } catch (error) {
          assert.ok(error instanceof UserError, String(error));
          assert.match(error.message, /^p\.csv/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("come from gzip and UTF-16, and from nothing that is no file of text", async () => {
    const folder = mkdtempSync(join(tmpdir(), "predictions-"));
    const path = join(folder, "p.csv");
    const text = "id,label,predicted\n1,\u00e9l,\u00e9l\n2,s,\u00e9l\n";
    try {
      writeFileSync(path, Buffer.from(text, "latin1"));
      for (const read of [readPredictions, readVotes, readVotePredictions]) {
        await assert.rejects(read(path), /p\.csv: the text is not UTF-8/);
        await assert.rejects(read(folder), /is a folder, not a file/);
        await assert.rejects(read("nowhere.csv"), /nowhere\.csv: no such file/);
      }
      writeFileSync(`${path}.gz`, gzipSync(text));
      writeFileSync(path, Buffer.from(`\ufeff${text}`, "utf16le"));
      for (const file of [path, `${path}.gz`]) {
        assert.deepEqual((await readPredictions(file)).classNames, ["s", "\u00e9l"]);
      }
      writeFileSync(`${path}.gz`, gzipSync("id,smooth\n1,0.25\n"));
      assert.deepEqual((await readVotes(`${path}.gz`)).values, Float64Array.of(0.25));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
