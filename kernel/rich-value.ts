import { inspect } from "node:util";

/** One value in every form it has, by media type. */
export type MimeBundle = Readonly<Record<string, unknown>>;

const DISPLAY = Symbol.for("Jupyter.display");
const PLOTLY = "application/vnd.plotly.v1+json";

/**
 * A cell's last expression, as it is shown: what it says of itself (`Symbol.for("Jupyter.display")`,
 * a function that gives a bundle), a figure, a picture's bytes, a tensor, else as Node prints it.
 */
export async function richValue(value: unknown): Promise<MimeBundle> {
  const text = { "text/plain": inspect(value) };
  if (typeof value !== "object" || value === null) return text;
  const own: unknown = Reflect.get(value, DISPLAY);
  if (typeof own === "function") return { ...text, ...(await own.call(value)) };
  if (value instanceof Uint8Array) {
    const type = imageType(value);
    const size = `[${type}, ${value.length} bytes]`;
    if (type) return { "text/plain": size, [type]: Buffer.from(value).toString("base64") };
  }
  if (isFigure(value)) {
    const config = { displaylogo: false, responsive: true, showSendToCloud: false };
    const { data, layout } = plain({ data: value.data, layout: value.layout });
    return { "text/plain": "[figure]", [PLOTLY]: { data, layout, config } };
  }
  if (isTensor(value)) return { "text/plain": describeTensor(value) };
  return text;
}

function imageType(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 8)).toString("latin1");
  if (start.startsWith("\x89PNG")) return "image/png";
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (start.startsWith("GIF8")) return "image/gif";
  return undefined;
}

interface FigureLike {
  readonly data: readonly object[];
  readonly layout: object;
}

/** Plotly's traces and layout, and nothing beside them. */
function isFigure(value: object): value is FigureLike {
  const keys = Object.keys(value);
  if (keys.length < 2 || !keys.every((key) => ["data", "layout", "config", "frames"].includes(key)))
    return false;
  const { data, layout } = value as Partial<FigureLike>;
  return Array.isArray(data) && typeof layout === "object" && layout !== null;
}

/** Typed arrays become JSON arrays; NaN becomes null, which plotly leaves out. */
function plain(figure: FigureLike): FigureLike {
  return JSON.parse(
    JSON.stringify(figure, (_key, item: unknown) =>
      ArrayBuffer.isView(item) && !(item instanceof DataView)
        ? Array.from(item as Float64Array)
        : item,
    ),
  );
}

interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly isDisposed: boolean;
  dataSync(): ArrayLike<number | string>;
}

function isTensor(value: object): value is TensorLike {
  return "dataSync" in value && "dtype" in value && "isDisposed" in value && "shape" in value;
}

/** Shape, type and the first values. */
function describeTensor(tensor: TensorLike): string {
  const head = `Tensor ${tensor.dtype} [${tensor.shape.join(", ")}]`;
  if (tensor.isDisposed) return `${head}, disposed`;
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  if (size > 1e6) return head; // fetching it would cost more than it tells
  const values = Array.from(tensor.dataSync()).slice(0, 8);
  const shown = values.map((value) =>
    typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(4) : value,
  );
  return `${head}: ${shown.join(", ")}${size > 8 ? ", …" : ""}`;
}
