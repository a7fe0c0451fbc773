import { UserError } from "../core/errors";

/**
 * A float32 array as NumPy's `.npy` file, version 1.0 (NEP 1), which `numpy.load` opens.
 *
 * @param shape Row-major.
 * @throws UserError when the values do not fill the shape
 */
export function encodeNpy(values: Float32Array, shape: readonly number[]): Buffer {
  const size = shape.reduce((a, b) => a * b, 1);
  if (size !== values.length) {
    throw new UserError(
      `${values.length} values do not fill an array of ${shape.join(" × ")}`,
      "give the shape of the values",
    );
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version and length take 10 bytes; the data start at a multiple of 64.
  const padded = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.from(`${text.padEnd(padded - 11)}\n`, "latin1");
  const start = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  start.writeUInt16LE(header.length, 8);
  const data = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    data.writeFloatLE(value, i * 4);
  });
  return Buffer.concat([start, header, data]);
}
