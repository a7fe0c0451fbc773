import { UserError } from "../core/errors";
import type { Column } from "../core/table";
import { escapeHtml, type MimeBundle, show } from "./display";

/** A table as it can be shown: a value that is not known, such as a metric that is not defined, is null. */
export type ShownTable = Readonly<Record<string, Column | readonly (string | number | null)[]>>;

/** A table of danfo.js. */
export interface DataFrameLike {
  /** Names of its columns. */
  readonly columns: readonly string[];
  /** One column; its values are numbers, text, or booleans. */
  column(name: string): {
    /** One value a row. */
    readonly values: unknown;
  };
}

/** Whether a value is a `DataFrame` of danfo.js. */
export function isDataFrame(value: object): value is DataFrameLike {
  return (
    "columns" in value && Array.isArray(value.columns) && "column" in value && "$index" in value
  );
}

function columnsOf(table: ShownTable | DataFrameLike): ShownTable {
  if (!isDataFrame(table)) return table;
  const values = (name: string) =>
    Array.from(table.column(name).values as ArrayLike<unknown>, plain);
  return Object.fromEntries(table.columns.map((name) => [name, values(name)]));
}

function plain(value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  return typeof value === "number" ? value : String(value);
}

/** How a table is shown. */
export interface ShowTableOptions {
  /**
   * Rows shown at most: the first ones and the last one, and between them how many there are more. Default: a table of up to
   * 80 rows whole, of a longer one 20.
   */
  readonly rows?: number;
  /** Significant digits of numbers that are not integers. Default 4. */
  readonly digits?: number;
  /**
   * Pictures of the rows as data URIs (`pictureUris`), one each of the rows shown, which then are the first ones: a first
   * column.
   */
  readonly pictures?: readonly string[];
}

/** Rows of a table that is shown whole. */
const WHOLE = 80;
/** Rows of a longer one. */
const FEW = 20;

/**
 * A click on a column's name sorts the rows that are shown, a second one the other way; what is no
 * number comes after the numbers. A program that runs no scripts shows the table as it is.
 */
const SORT = `
const th = event.target.closest("th");
if (!th) return;
const down = th.ariaSort === "ascending";
for (const other of this.rows[0].cells) { other.ariaSort = null; other.style.boxShadow = ""; }
th.ariaSort = down ? "descending" : "ascending";
th.style.boxShadow = "inset 0 " + (down ? -2 : 2) + "px";
const text = (row) => row.cells[th.cellIndex].textContent, body = this.parentNode.tBodies[0];
const compare = (a, b) => isNaN(a) - isNaN(b) || (isNaN(a) ? a.localeCompare(b) : a - b);
body.querySelector("[data-gap]")?.remove();
const rows = [...body.rows].sort((a, b) => compare(text(a), text(b)));
body.append(...(down ? rows.reverse() : rows));
`.trim();

/**
 * Show a table below the cell, numbers aligned right; in a plain terminal as text. A click on a
 * column's name sorts the rows shown.
 *
 * @param table Columns of one length, or a `DataFrame` of danfo.js.
 * @throws UserError when the columns are not of one length, or pictures are missing.
 */
export function showTable(table: ShownTable | DataFrameLike, options: ShowTableOptions = {}): void {
  show(tableBundle(table, options));
}

/** What {@link showTable} shows, in every form it has. */
export function tableBundle(
  given: ShownTable | DataFrameLike,
  options: ShowTableOptions = {},
): MimeBundle {
  const table = columnsOf(given);
  const length = tableLength(table);
  const { rows = length > WHOLE ? FEW : length, digits = 4, pictures } = options;
  const shown = shownRows(length, rows, pictures === undefined);
  const columns = Object.entries(table).map(([name, values]) => ({
    name,
    numeric: isNumeric(values),
    cells: formatCells(
      shown.map((row) => values[row] as string | number | null),
      digits,
    ),
  }));
  if (pictures && pictures.length < Math.min(rows, length)) {
    throw new UserError(
      `there are ${pictures.length} pictures for ${Math.min(rows, length)} rows`,
      "give one picture a row shown, or none",
    );
  }
  const left = length - shown.length;
  const remark = left > 0 ? `… ${left} more of ${length} rows` : "";
  const gap = shown.findIndex((row, i) => row !== i);
  return {
    "text/plain": asText(columns, remark, gap),
    "text/html": asHtml(columns, remark, gap, pictures),
  };
}

/** Numbers of the rows that are shown: the first ones, and the last one where that is wanted. */
function shownRows(length: number, rows: number, last: boolean): number[] {
  const first = Array.from({ length: Math.min(rows, length) }, (_, row) => row);
  if (last && rows < length && rows > 1) first[rows - 1] = length - 1;
  return first;
}

interface ShownColumn {
  readonly name: string;
  readonly numeric: boolean;
  readonly cells: readonly string[];
}

function tableLength(table: ShownTable): number {
  const lengths = Object.entries(table).map(([name, values]) => `${name}: ${values.length}`);
  const sizes = new Set(Object.values(table).map((values) => values.length));
  if (sizes.size > 1) {
    throw new UserError(
      `the table's columns differ in length (${lengths.join(", ")})`,
      "give every column one value a row",
    );
  }
  return sizes.values().next().value ?? 0;
}

/** Below it a number is written with its power of ten. */
const TINY = 1e-4;

/** How the numbers of one column are written: alike, so that they can be compared at a glance. */
function numberFormat(values: readonly number[], digits: number): (value: number) => string {
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  const largest = Math.max(...sizes);
  if (values.every((value) => Number.isInteger(value) || !Number.isFinite(value))) return String;
  if (largest >= 1e6 || largest < TINY) return (value) => value.toExponential(digits - 1);
  // A column of shares has as many decimals with a 1 among them as the one beside it without.
  const before = largest <= 1 ? 0 : Math.floor(Math.log10(largest)) + 1;
  const decimals = Math.max(2, digits - before);
  return (value) =>
    value !== 0 && Math.abs(value) < TINY ? value.toExponential(1) : value.toFixed(decimals);
}

function formatCells(shown: readonly (string | number | null)[], digits: number): string[] {
  const numbers = shown.filter((value) => typeof value === "number");
  const format = numberFormat(numbers, digits);
  return shown.map((value) => {
    if (typeof value === "string") return value;
    return value === null || Number.isNaN(value) ? "–" : format(value);
  });
}

/** Whether a column holds numbers, by its first value that is known; where none is, its dashes stand as numbers do. */
function isNumeric(values: ShownTable[string]): boolean {
  const known = Array.from<unknown>(values).find((value) => value !== null);
  return typeof known === "number" || (known === undefined && values.length > 0);
}

/** @param gap Place of the row before which others are left out; −1: none. */
function asText(columns: readonly ShownColumn[], remark: string, gap: number): string {
  const widths = columns.map(({ name, cells }) =>
    Math.max(...[name, ...cells].map((text) => text.length)),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => (columns[i].numeric ? text.padStart(widths[i]) : text.padEnd(widths[i])))
      .join("  ")
      .trimEnd();
  const body = Array.from({ length: columns[0]?.cells.length ?? 0 }, (_, row) =>
    line(columns.map(({ cells }) => cells[row])),
  );
  if (gap >= 0) body.splice(gap, 0, "…");
  return [line(columns.map(({ name }) => name)), ...body, ...(remark ? [remark] : [])].join("\n");
}

function asHtml(
  columns: readonly ShownColumn[],
  remark: string,
  gap: number,
  pictures?: readonly string[],
): string {
  const cell = (tag: "th" | "td", text: string, numeric: boolean) => {
    const align = numeric ? "right;font-variant-numeric:tabular-nums" : "left";
    // A number is never broken; a long name of a column is, before the table is wider than the page.
    const whole = tag === "td" && numeric ? ";white-space:nowrap" : "";
    const pointer = tag === "th" ? ";cursor:pointer" : "";
    return `<${tag} style="text-align:${align}${whole}${pointer}">${escapeHtml(text)}</${tag}>`;
  };
  const picture = (row: number) =>
    pictures
      ? `<td><img src="${escapeHtml(pictures[row])}" alt="" style="height:64px;max-width:none"></td>`
      : "";
  const head = columns.map(({ name, numeric }) => cell("th", name, numeric)).join("");
  const body = Array.from({ length: columns[0]?.cells.length ?? 0 }, (_, row) => {
    const cells = columns.map((column) => cell("td", column.cells[row], column.numeric));
    return `<tr>${picture(row)}${cells.join("")}</tr>`;
  });
  if (gap >= 0) body.splice(gap, 0, `<tr data-gap><td colspan="${columns.length}">…</td></tr>`);
  const foot = remark ? `<p style="opacity:.7">${escapeHtml(remark)}</p>` : "";
  return `<div style="overflow-x:auto"><table><thead onclick="${escapeHtml(SORT)}"><tr>${pictures ? "<td></td>" : ""}${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>${foot}`;
}
