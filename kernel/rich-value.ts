import { inspect } from "node:util";
import type { Content } from "./message";

const DISPLAY = Symbol.for("Jupyter.display");

/**
 * A cell's last expression, as it is shown: what it says of itself (`Symbol.for("Jupyter.display")`,
 * a function that gives every form it has by media type), what the library knows of it, a picture's
 * bytes, else as Node prints it.
 *
 * @param view How the library shows its values.
 */
export async function richValue(
  value: unknown,
  view?: (value: object) => Content | undefined,
): Promise<Content> {
  if (typeof value !== "object" || value === null) return { "text/plain": inspect(value) };
  const own: unknown = Reflect.get(value, DISPLAY);
  if (typeof own === "function")
    return { "text/plain": inspect(value), ...(await own.call(value)) };
  const known = view?.(value);
  if (known) return known;
  if (value instanceof Uint8Array) {
    const type = imageType(value);
    const size = `[${type}, ${value.length} bytes]`;
    if (type) return { "text/plain": size, [type]: Buffer.from(value).toString("base64") };
  }
  return { "text/plain": inspect(value) };
}

function imageType(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 8)).toString("latin1");
  if (start.startsWith("\x89PNG")) return "image/png";
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (start.startsWith("GIF8")) return "image/gif";
  return undefined;
}
