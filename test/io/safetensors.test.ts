import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { UserError } from "#lib/core/errors";
import { SafetensorsFile, writeSafetensors } from "#lib/io/safetensors";

describe("safetensors", () => {
  const folder = mkdtempSync(join(tmpdir(), "safetensors-"));
  const path = join(folder, "a.safetensors");
  after(() => rmSync(folder, { recursive: true }));

  /** A file of this header (text or object) and these bytes of data. */
  function file(header: unknown, data: Uint8Array | number = 0, length?: bigint): string {
    const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(length ?? BigInt(json.length));
    const bytes = typeof data === "number" ? new Uint8Array(data) : data;
    writeFileSync(path, Buffer.concat([start, json, bytes]));
    return path;
  }
  const entry = (shape: unknown, from: unknown, to: unknown, dtype: unknown = "F32") => ({
    dtype,
    shape,
    data_offsets: [from, to],
  });
  const refuses = (problem: RegExp) =>
    assert.throws(
      () => SafetensorsFile.open(path),
      (error) => error instanceof UserError && problem.test(error.message),
    );

  it("reads back what it wrote, tensor by tensor", () => {
    const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 5 });
    fc.assert(
      fc.property(names, fc.array(shape, { minLength: 5, maxLength: 5 }), (all, shapes) => {
        const tensors = all
          .filter((name) => name !== "__metadata__")
          .map((name, i) => {
            const size = shapes[i].reduce((a, b) => a * b, 1);
            const data = Float32Array.from({ length: size }, (_, j) => Math.fround(j / 3 - i));
            return { name, shape: shapes[i], data, read: () => data };
          });
        writeSafetensors(path, tensors, { note: "é" });
        const opened = SafetensorsFile.open(path);
        assert.equal(opened.metadata.note, "é");
        assert.deepEqual([...opened.tensors.keys()].sort(), tensors.map((t) => t.name).sort());
        for (const { name, shape: wanted, data } of tensors) {
          assert.deepEqual(opened.tensors.get(name)?.shape, wanted);
          assert.deepEqual(opened.read(name), data);
        }
        opened.close();
      }),
    );
  });

  it("stores float16 in half the bytes, and refuses what one cannot hold", () => {
    const data = Float32Array.of(1, -2.5, 1 / 3, 0, 65_504);
    const tensor = (read: () => Float32Array) => [{ name: "w", shape: [5], read }];
    writeSafetensors(
      path,
      tensor(() => data),
      {},
      "F16",
    );
    const opened = SafetensorsFile.open(path);
    assert.equal(opened.tensors.get("w")?.bytes, 10);
    assert.deepEqual(opened.read("w"), Float32Array.of(1, -2.5, 0.333251953125, 0, 65_504));
    opened.close();
    const large = Float32Array.of(1, 0, 0, 0, -1e5);
    assert.throws(
      () =>
        writeSafetensors(
          path,
          tensor(() => large),
          {},
          "F16",
        ),
      /w has the value -100000, and a float16 reaches 65504/,
    );
  });

  it("reads float16 and bfloat16", () => {
    // 1, −2, the smallest and the largest float16, ∞; then 1, −2, 3.140625 as bfloat16.
    const halves = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x3f80, 0xc000, 0x4049];
    file(
      { h: entry([5], 0, 10, "F16"), b: entry([3], 10, 16, "BF16") },
      new Uint8Array(Uint16Array.from(halves).buffer),
    );
    const opened = SafetensorsFile.open(path);
    assert.deepEqual([...opened.read("h")], [1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY]);
    assert.deepEqual([...opened.read("b")], [1, -2, 3.140625]);
    opened.close();
  });

  it("takes integers along, and refuses to read them as weights", () => {
    file({ count: entry([], 0, 8, "I64") }, 8);
    const opened = SafetensorsFile.open(path);
    assert.throws(() => opened.read("count"), /I64; expected F32, F16 or BF16/);
    assert.throws(() => opened.read("other"), /no tensor "other"/);
    opened.close();
  });

  const bad: [string, () => void, RegExp][] = [
    ["an empty file", () => writeFileSync(path, ""), /too few/],
    ["a header longer than the file", () => file("{}", 0, 5000n), /of a file of/],
    ["a header of 2⁶³ bytes", () => file("{}", 0, 2n ** 63n), /claims 9223372036854775808/],
    ["a header that is not JSON", () => file("{nonsense}"), /not JSON/],
    ["a header that is not text", () => file("\\u0000\\u0000"), /not JSON/],
    ["a header that is a list", () => file("[1, 2]"), /no JSON object/],
    [
      "a name that comes twice",
      () =>
        file(
          `{"a":${JSON.stringify(entry([1], 0, 4))},"\\u0061":${JSON.stringify(entry([1], 0, 4))}}`,
          4,
        ),
      /"a" comes twice/,
    ],
    ["an unknown type", () => file({ a: entry([1], 0, 4, "F31") }, 4), /unknown type "F31"/],
    ["a type from Object", () => file({ a: entry([1], 0, 4, "toString") }, 4), /unknown type/],
    ["a negative length", () => file({ a: entry([-1], 0, 4) }, 4), /the shape \[-1\]/],
    ["a length that is no integer", () => file({ a: entry([0.5], 0, 2) }, 2), /the shape/],
    ["a length beyond all bounds", () => file({ a: entry([2 ** 52, 2 ** 52], 0, 4) }, 4), /has 4/],
    ["a hundred axes", () => file({ a: entry(Array(100).fill(1), 0, 4) }, 4), /the shape/],
    ["offsets in the wrong order", () => file({ a: entry([1], 4, 0) }, 4), /the offsets/],
    ["offsets that are strings", () => file({ a: entry([1], "0", "4") }, 4), /the offsets/],
    ["fewer bytes than the shape", () => file({ a: entry([2], 0, 4) }, 4), /F32 \[2\], has 4/],
    [
      "tensors that overlap",
      () => file({ a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12),
      /"b" overlaps/,
    ],
    [
      "a hole between tensors",
      () => file({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12),
      /4 bytes before "b"/,
    ],
    ["a file that was cut", () => file({ a: entry([2], 0, 8) }, 5), /ends 3 bytes before/],
    ["bytes after the last tensor", () => file({ a: entry([1], 0, 4) }, 6), /2 bytes at its end/],
    ["no description", () => file({ a: null }), /described by null/],
    ["metadata of numbers", () => file({ __metadata__: { a: 1 } }), /"a" is no string/],
  ];
  for (const [what, write, problem] of bad) {
    it(`refuses ${what}`, () => {
      write();
      refuses(problem);
    });
  }

  it("takes a name like __proto__ for what it is", () => {
    file(`{"__proto__":${JSON.stringify(entry([1], 0, 4))}}`, 4);
    const opened = SafetensorsFile.open(path);
    assert.deepEqual([...opened.tensors.keys()], ["__proto__"]);
    opened.close();
  });

  it("meets any bytes with an error for people, never with another", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, framed) => {
        if (framed) file(Buffer.from(bytes).toString("latin1"), 3);
        else writeFileSync(path, bytes);
        try {
          SafetensorsFile.open(path).close();
        } catch (error) {
          assert.ok(error instanceof UserError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("refuses pickles, with the line that converts them", () => {
    const pickle = join(folder, "model.pth");
    writeFileSync(pickle, Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert.throws(() => SafetensorsFile.open(pickle), /pickle.*[\s\S]*save_file/);
    writeFileSync(pickle, Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert.throws(() => SafetensorsFile.open(pickle), /pickle/);
  });

  it("leaves no half-written file behind", () => {
    const target = join(folder, "half.safetensors");
    const broken = { name: "a", shape: [2], read: () => new Float32Array(3) };
    assert.throws(() => writeSafetensors(target, [broken]), /3 values for shape/);
    assert.throws(() => SafetensorsFile.open(target), /there is no file/);
    assert.throws(() => SafetensorsFile.open(`${target}.partial`), /there is no file/);
  });

  it("answers about headers of 100,000 tensors, or nested a million deep, at once", () => {
    const before = process.memoryUsage().rss;
    const start = performance.now();
    const many = Array.from({ length: 1e5 }, (_, i) => [`t${i}`, entry([0], 0, 0)]);
    const opened = SafetensorsFile.open(file(Object.fromEntries(many)));
    assert.equal(opened.tensors.size, 1e5);
    opened.close();
    file(`{"a":${"[".repeat(1e6)}${"]".repeat(1e6)}}`);
    refuses(/no sound safetensors file/);
    file({ a: entry(Array(1e5).fill(1), 0, 4) });
    refuses(/"a" has the shape a list of 100000/);
    assert.ok(performance.now() - start < 20_000);
    assert.ok(process.memoryUsage().rss - before < 512 * 2 ** 20);
  });
});
