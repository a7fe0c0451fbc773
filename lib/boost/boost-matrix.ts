import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UserError } from "../core/errors";
import { parseNpyHeader } from "../io/npy";
import { koffi } from "./native-library";

/** float32 features `[rows, width]`, row-major, where they lie in memory: nobody copies them. */
export interface BoostMatrix {
  /** Galaxies. */
  readonly rows: number;
  /** Features of each. */
  readonly width: number;
  /** Address of the first value. */
  readonly address: bigint;
  /** What keeps the memory from being freed. */
  readonly owner: unknown;
  /** What a person should know of the values, a sentence each. */
  readonly notices: readonly string[];
}

/**
 * Features in memory.
 *
 * @param values `[rows, width]`, row-major; not copied, and not to be changed meanwhile. NaN: not known.
 * @throws UserError when they do not fill whole rows, or one is infinite
 */
export function matrixOf(values: Float32Array, width: number): BoostMatrix {
  const rows = values.length / width;
  if (!Number.isInteger(rows) || rows === 0 || !(width > 0)) {
    throw new UserError(
      `${values.length} features are not a whole number of rows of ${width}`,
      "give each galaxy as many features",
    );
  }
  const notices = noticesOf(missingIn(values, width), values.length);
  return { rows, width, address: koffi().address(values), owner: values, notices };
}

/**
 * @param first Number of values before these.
 * @returns how many are NaN
 * @throws UserError when one is infinite
 */
function missingIn(values: Float32Array, width: number, first = 0): number {
  let missing = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    if (Number.isNaN(values[i])) missing++;
    else {
      const at = first + i;
      throw new UserError(
        `feature ${(at % width) + 1} of row ${Math.floor(at / width) + 1} is ${values[i]}`,
        "give finite numbers, or NaN where one is not known",
      );
    }
  }
  return missing;
}

function noticesOf(missing: number, all: number): string[] {
  const notice = `${missing} of ${all} features are NaN: the trees take them as not known`;
  return missing > 0 ? [notice] : [];
}

/** Some rows of a matrix that follow each other. */
export function rowsOf(matrix: BoostMatrix, from: number, to: number): BoostMatrix {
  const address = matrix.address + BigInt(from * matrix.width * 4);
  return { ...matrix, rows: to - from, address };
}

/** A matrix in a file, of which memory holds what is being read. */
export interface MappedMatrix extends BoostMatrix {
  /** Give the memory back; the matrix must not be used afterwards. */
  close(): void;
}

const [PROT_READ, MAP_SHARED] = [1, 1];
/** Values of a file that are looked at together: 4 MiB. */
const PIECE = 1 << 20;

/**
 * Features in a `.npy` file of float32 values `[rows, width]`, mapped into memory.
 *
 * It is read once from its begin to its end: NaN are counted.
 *
 * @throws UserError when it is no such file, cannot be mapped, or a value is infinite
 */
export function mapMatrix(path: string): MappedMatrix {
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    const start = Buffer.alloc(Math.min(size, 4096));
    readSync(descriptor, start, 0, start.length, 0);
    const { shape, offset } = parseNpyHeader(start, size, path);
    if (shape.length !== 2 || shape.includes(0)) {
      throw new UserError(`${path} has the shape ${shape.join(" × ")}`, "give galaxies × features");
    }
    const [rows, width] = shape;
    const piece = new Float32Array(Math.min(rows * width, PIECE));
    let missing = 0;
    for (let done = 0; done < rows * width; done += piece.length) {
      const part = piece.subarray(0, rows * width - done);
      readSync(descriptor, part, 0, part.byteLength, offset + done * 4);
      missing += missingIn(part, width, done);
    }
    const { map, unmap } = memoryMaps();
    const address = map(null, size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (address === null || BigInt.asIntN(64, address) === -1n) {
      throw new UserError(`${path} cannot be mapped into memory`, "copy it to a local disk");
    }
    const close = () => unmap(address, size);
    const at = address + BigInt(offset);
    const notices = noticesOf(missing, rows * width);
    return { rows, width, address: at, owner: path, notices, close };
  } finally {
    closeSync(descriptor);
  }
}

type Maps = {
  map: (
    at: null,
    size: number,
    protection: number,
    flags: number,
    file: number,
    offset: number,
  ) => bigint | null;
  unmap: (address: bigint, size: number) => number;
};

let maps: Maps | undefined;
function memoryMaps(): Maps {
  if (maps === undefined) {
    // The C library is in every process.
    const c = koffi().load(null);
    maps = {
      map: c.func(
        "void *mmap(void *at, size_t size, int protection, int flags, int file, int64_t offset)",
      ),
      unmap: c.func("int munmap(void *at, size_t size)"),
    };
  }
  return maps;
}
