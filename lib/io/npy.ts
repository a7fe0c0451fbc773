import { UserError } from "../core/errors";

/** What a `.npy` file's header says. */
export interface NpyHeader {
  /** Row-major. */
  readonly shape: readonly number[];
  /** Where the values begin, bytes. */
  readonly offset: number;
  /** What a value is: a little-endian float32 or float16. */
  readonly dtype: NpyType;
}

/** Type of values, as NumPy calls it: little-endian float32 or float16. */
export type NpyType = "<f4" | "<f2";

const NAMES = { "<f4": "float32", "<f2": "float16" } as const satisfies Record<NpyType, string>;

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
  const data = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    data.writeFloatLE(value, i * 4);
  });
  return Buffer.concat([npyHeader(shape), data]);
}

/**
 * The header of a `.npy` file, which the values follow.
 *
 * @param shape Row-major.
 * @param dtype Of the values. Default float32.
 */
export function npyHeader(shape: readonly number[], dtype: NpyType = "<f4"): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version and length take 10 bytes; the data start at a multiple of 64.
  const padded = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.from(`${text.padEnd(padded - 11)}\n`, "latin1");
  const start = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, header]);
}

/**
 * Read the header of a `.npy` file.
 *
 * @param bytes How the file begins; 4 kB are enough.
 * @param fileSize Of the whole file, bytes.
 * @param file For messages.
 * @param accepted Types of values that it may hold. Default float32.
 * @throws UserError when it is no such file, holds other numbers or not in C order, or is too short
 */
export function parseNpyHeader(
  bytes: Buffer,
  fileSize: number,
  file: string,
  accepted: readonly NpyType[] = ["<f4"],
): NpyHeader {
  const refuse = (problem: string, remedy: string): never => {
    throw new UserError(`${file} ${problem}`, remedy);
  };
  if (bytes.length < 12 || bytes.toString("latin1", 0, 6) !== "\x93NUMPY") {
    refuse("is no .npy file", "give one that numpy.save wrote");
  }
  const start = bytes[6] === 1 ? 10 : 12;
  const offset = start + (bytes[6] === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  const text = bytes.toString("latin1", start, offset);
  const shapeText = /'shape': \(([\d, ]*)\)/.exec(text)?.[1];
  if (shapeText === undefined) refuse("has a damaged header", "write it again");
  const dtype = accepted.find((type) => text.includes(`'descr': '${type}'`));
  if (dtype === undefined || !text.includes("'fortran_order': False")) {
    return refuse(
      `does not hold ${accepted.map((type) => NAMES[type]).join(" or ")} values in C order`,
      "save numpy.ascontiguousarray(x, 'float32')",
    );
  }
  const shape = (shapeText ?? "").split(",").flatMap((word) => (word.trim() ? [Number(word)] : []));
  const size = shape.reduce((a, b) => a * b, 1);
  const end = offset + (dtype === "<f2" ? 2 : 4) * size;
  if (end !== fileSize) {
    refuse(
      `has ${fileSize} bytes, and ${shape.join(" × ")} ${NAMES[dtype]} values need ${end}`,
      "write it again",
    );
  }
  return { shape, offset, dtype };
}
