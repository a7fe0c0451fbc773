import { UserError } from "../core/errors";

/** Where one tensor lies in a safetensors file. */
export interface TensorEntry {
  /** The type of its values, as the format names it: `F32`, `BF16`, `I64`. */
  readonly dtype: string;
  /** Row-major. */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** How many bytes it takes. */
  readonly bytes: number;
}

/** The format's own bound on the header. */
const HEADER_LIMIT = 100_000_000;
const RANK_LIMIT = 16;

const TYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ...["BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"].map((type) => [type, 1] as const),
  ...["U16", "I16", "F16", "BF16"].map((type) => [type, 2] as const),
  ...["U32", "I32", "F32"].map((type) => [type, 4] as const),
  ...["U64", "I64", "F64", "C64"].map((type) => [type, 8] as const),
]);

/** Bytes that values of this type and shape take; NaN for an unknown type or an impossible shape. */
export function bytesOf(dtype: string, shape: readonly number[]): number {
  const bytes = shape.reduce((a, b) => a * b, TYPE_BYTES.get(dtype) ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : Number.NaN;
}

/**
 * Read and check a safetensors header. Nothing is allocated on the word of the file: every length
 * is held against the file's size first, and the tensors must tile the data exactly.
 */
export function parseHeader(
  path: string,
  fileSize: number,
  read: (from: number, bytes: number) => Uint8Array,
): { tensors: Map<string, TensorEntry>; metadata: Record<string, string> } {
  const fail = (problem: string): never => {
    throw new UserError(
      `${path} is no sound safetensors file: ${problem}`,
      "download or save it again",
    );
  };
  if (fileSize < 10) fail(`it has ${fileSize} bytes, too few for a header`);
  const lengthBytes = read(0, 8);
  const length = new DataView(lengthBytes.buffer, lengthBytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(HEADER_LIMIT)) fail(`its header claims ${length} bytes`);
  const dataStart = 8 + Number(length);
  if (dataStart > fileSize) fail(`its header claims ${length} bytes of a file of ${fileSize}`);

  const { header, names } = parseJson(read(8, Number(length)), fail);
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) fail(`the name "${name}" comes twice`);
    seen.add(name);
  }

  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = checkMetadata(value, fail);
    else tensors.set(name, checkEntry(name, value, dataStart, fail));
  }
  checkTiling(tensors, dataStart, fileSize, fail);
  return { tensors, metadata };
}

type Fail = (problem: string) => never;

function parseJson(
  bytes: Uint8Array,
  fail: Fail,
): { header: Record<string, unknown>; names: string[] } {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const header: unknown = JSON.parse(text);
    if (!isObject(header)) return fail("its header is no JSON object");
    return { header, names: topLevelNames(text) };
  } catch (error) {
    if (error instanceof UserError) throw error;
    return fail("its header is not JSON");
  }
}

/** The keys of the outermost object, repeated ones included, which JSON.parse would hide. */
function topLevelNames(json: string): string[] {
  const names: string[] = [];
  let depth = 0;
  let expectKey = false;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    if (token === "{" || token === "[") {
      depth++;
      expectKey = depth === 1;
    } else if (token === "}" || token === "]") depth--;
    else if (token === ",") expectKey = depth === 1;
    else if (token !== ":" && depth === 1 && expectKey) {
      names.push(JSON.parse(token) as string);
      expectKey = false;
    }
  }
  return names;
}

function checkMetadata(value: unknown, fail: Fail): Record<string, string> {
  if (!isObject(value)) return fail("its metadata is no object");
  const bad = Object.entries(value).find(([, text]) => typeof text !== "string");
  if (bad !== undefined) fail(`its metadata "${bad[0]}" is no string`);
  return value as Record<string, string>;
}

function checkEntry(name: string, value: unknown, dataStart: number, fail: Fail): TensorEntry {
  if (!isObject(value)) return fail(`"${name}" is described by ${told(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !TYPE_BYTES.has(dtype)) {
    return fail(`"${name}" has the unknown type ${told(dtype)}`);
  }
  if (!isLengths(shape) || shape.length > RANK_LIMIT) {
    return fail(`"${name}" has the shape ${told(shape)}`);
  }
  if (!isLengths(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return fail(`"${name}" has the offsets ${told(offsets)}`);
  }
  const [begin, end] = offsets;
  if (bytesOf(dtype, shape) !== end - begin) {
    return fail(`"${name}", ${dtype} [${shape.join(", ")}], has ${end - begin} bytes`);
  }
  return { dtype, shape, offset: dataStart + begin, bytes: end - begin };
}

function checkTiling(
  tensors: ReadonlyMap<string, TensorEntry>,
  dataStart: number,
  fileSize: number,
  fail: Fail,
): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  let reached = dataStart;
  for (const [name, { offset, bytes }] of inOrder) {
    if (offset < reached) fail(`"${name}" overlaps the tensor before it`);
    if (offset > reached) fail(`${offset - reached} bytes before "${name}" belong to no tensor`);
    reached = offset + bytes;
  }
  if (reached > fileSize) fail(`it ends ${reached - fileSize} bytes before its last tensor does`);
  if (reached < fileSize) fail(`${fileSize - reached} bytes at its end belong to no tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** One array to be written; `read` is called when its turn comes. */
export interface TensorToWrite {
  /** By which it is read again. */
  readonly name: string;
  /** Row-major. */
  readonly shape: readonly number[];
  /** @returns its values, row by row */
  read(): Float32Array;
}

/**
 * What stands before the arrays in a safetensors file: the length of the header, and the header, padded to
 * eight bytes.
 *
 * @param metadata Strings for the header; `format: "pt"` is added, which Python's loaders ask for.
 * @param dtype Of all arrays. Default `F32`.
 */
export function encodeHeader(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
  dtype: "F32" | "F16" = "F32",
): Uint8Array {
  const header: [string, unknown][] = [["__metadata__", { format: "pt", ...metadata }]];
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + bytesOf(dtype, shape);
    header.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json, 8);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  return padded;
}

/** A value of the header for a message: short, however much stands there. */
function told(value: unknown): string {
  const isShort = Array.isArray(value) && value.length <= RANK_LIMIT;
  if (isShort && value.every((one) => typeof one === "number" || one === null)) {
    return JSON.stringify(value);
  }
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  return Array.isArray(value)
    ? `a list of ${value.length}`
    : value === null
      ? "null"
      : typeof value;
}
