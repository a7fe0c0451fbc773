import { kernelHost } from "../core/kernel-host";
import type { Figure } from "../plots/figure";
import type { MimeBundle } from "./display";
import { figureBundle } from "./figures";
import { isDataFrame, type ShownTable, tableBundle } from "./tables";

/**
 * A cell's last expression as the notebook shows it: figures, tables, data frames and tensors.
 *
 * @returns every form it has; nothing for another kind of value
 */
export function richValue(value: object): MimeBundle | undefined {
  if (isFigure(value)) return figureBundle(value);
  if (isDataFrame(value) || isTable(value)) return tableBundle(value);
  if (isTensor(value)) return { "text/plain": describeTensor(value) };
  return undefined;
}

// The kernel asks whatever library is loaded how its values look.
const kernel = kernelHost();
if (kernel) kernel.view = richValue;

/** Plotly's traces and layout, and nothing beside them. */
function isFigure(value: object): value is Figure {
  const keys = Object.keys(value);
  if (keys.length < 2 || !keys.every((key) => ["data", "layout", "config", "frames"].includes(key)))
    return false;
  const { data, layout } = value as Partial<Figure>;
  return Array.isArray(data) && typeof layout === "object" && layout !== null;
}

/** Columns of one length, of numbers or of text. */
function isTable(value: object): value is ShownTable {
  const columns = Object.values(value);
  const [first] = columns;
  return (
    Object.getPrototypeOf(value) === Object.prototype &&
    isColumn(first) &&
    columns.every((column) => isColumn(column) && column.length === first.length)
  );
}

function isColumn(value: unknown): value is ArrayLike<string | number> {
  if (ArrayBuffer.isView(value)) return "length" in value;
  const plain = (item: unknown) => typeof item === "number" || typeof item === "string";
  return Array.isArray(value) && value.length > 0 && value.every(plain);
}

interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly isDisposed: boolean;
  dataSync(): ArrayLike<number | string>;
}

/** Whether a value is a tensor of tfjs. */
export function isTensor(value: object): value is TensorLike {
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
