import { kernelHost } from "../core/kernel-host";
import { isTensor } from "./rich-value";
import { showTable } from "./tables";

/**
 * Show what the notebook's cells have declared: names, types, shapes and bytes, a row each. Functions,
 * and what was imported, are left out. Outside a notebook it shows nothing.
 */
export function variables(): void {
  const all = Object.entries(kernelHost()?.variables() ?? {});
  const rows = all
    .filter(([name]) => !/^tsLastExpr\d*$/.test(name)) // tslab's name of a last expression
    .filter(([, value]) => typeof value !== "function" && !isModule(value))
    .map(([name, value]) => ({ name, ...describe(value) }))
    .sort((a, b) => a.name.localeCompare(b.name));
  if (rows.length === 0) return;
  const column = <Key extends "name" | "type" | "shape" | "bytes">(key: Key) =>
    rows.map((row) => row[key]);
  showTable(
    { name: column("name"), type: column("type"), shape: column("shape"), bytes: column("bytes") },
    { rows: rows.length },
  );
}

const BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, complex64: 8 };

// Documentation of a variable (Shift+Tab) says it, too.
const kernel = kernelHost();
if (kernel) kernel.describe = describe;

/** Bytes are those of the values of a tensor, an array of numbers or a text; of others they are not known. */
function describe(value: unknown): { type: string; shape: string; bytes: number | null } {
  if (typeof value === "string")
    return { type: "string", shape: `${value.length}`, bytes: Buffer.byteLength(value) };
  if (typeof value !== "object" || value === null) {
    const bytes = typeof value === "number" ? 8 : null;
    return { type: value === null ? "null" : typeof value, shape: "", bytes };
  }
  if (isTensor(value)) {
    const size = value.shape.reduce((product, length) => product * length, 1);
    const type = `Tensor ${value.dtype}${value.isDisposed ? ", disposed" : ""}`;
    const each = BYTES[value.dtype];
    const bytes = value.isDisposed || each === undefined ? null : size * each;
    return { type, shape: value.shape.join(" × "), bytes };
  }
  const type = value.constructor?.name ?? "Object";
  if (ArrayBuffer.isView(value))
    return { type, shape: "length" in value ? `${value.length}` : "", bytes: value.byteLength };
  if ("shape" in value && Array.isArray(value.shape))
    return { type, shape: value.shape.join(" × "), bytes: null };
  const length = Array.isArray(value)
    ? value.length
    : value instanceof Map
      ? value.size
      : undefined;
  return { type, shape: length === undefined ? "" : `${length}`, bytes: null };
}

function isModule(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    ("__esModule" in value ||
      "default" in value ||
      Object.prototype.toString.call(value) === "[object Module]")
  );
}
