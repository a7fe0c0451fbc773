import assert from "node:assert/strict";
import { encodeNpy, npyHeader, parseNpyHeader } from "#lib/io/npy";

describe("NPY files", () => {
  it("have the headers that NumPy writes, whose data begin at a multiple of 64 bytes", () => {
    // numpy.save of a float32 array of this shape, up to the data.
    const numpy =
      "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }" +
      `${" ".repeat(58)}\n`;
    assert.equal(npyHeader([3, 4]).toString("latin1"), numpy);
    assert.match(npyHeader([5]).toString("latin1"), /'shape': \(5,\), }/);
    for (const shape of [[7], [1, 2, 3, 4], Array.from({ length: 20 }, () => 1_000_000)]) {
      assert.equal(npyHeader(shape).length % 64, 0);
    }
  });

  it("come back, and are refused when they are cut off or of another type", () => {
    const values = Float32Array.of(1.5, -2, 3, 4, 5, 6);
    const bytes = encodeNpy(values, [2, 3]);
    const { shape, offset } = parseNpyHeader(bytes, bytes.length, "a.npy");
    assert.deepEqual(shape, [2, 3]);
    assert.equal(bytes.readFloatLE(offset + 4), -2);
    const parse = (data: Buffer, size = data.length) => parseNpyHeader(data, size, "a.npy");
    assert.throws(() => parse(bytes, bytes.length - 4), /a\.npy has .* bytes, and 2 × 3 float32/);
    const doubles = Buffer.from(bytes.toString("latin1").replace("<f4", "<f8"), "latin1");
    assert.throws(() => parse(doubles), /does not hold float32/);
    assert.throws(() => parse(Buffer.from("no array at all")), /is no \.npy file/);
    assert.throws(() => encodeNpy(values, [2, 2]), /6 values do not fill an array of 2 × 2/);
  });
});
