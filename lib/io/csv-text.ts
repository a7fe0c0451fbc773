import { UserError } from "../core/errors";

/**
 * What is done with each row of a CSV; the first is the header. Rows are numbered as a spreadsheet numbers
 * them: the header is row 1, empty rows count, though they are passed over.
 *
 * @returns false to stop reading
 */
export type UseRow = (cells: readonly string[], row: number) => boolean | undefined;

/** Characters that may stand between cells. */
const DELIMITERS = [",", ";", "\t", "|"];

/** No cell is longer, in characters: a quote that never closes is found before memory ends. */
const LONGEST_CELL = 2 ** 24;

/**
 * Reads CSV (RFC 4180) as its text comes, in time that grows with its length alone: quoted cells with
 * delimiters, line ends and doubled quotes in them; the line ends of every system; commas, semicolons, tabs
 * or bars between the cells, whichever the first line has most of. A quote inside a cell that does not begin
 * with one stands for itself.
 */
export class CsvScanner {
  private row = 1;
  private cells: string[] = [];
  private cell = "";
  /** `quote`: a quote came in a quoted cell, which ends it or is the first of two. */
  private state: "start" | "plain" | "quoted" | "quote" | "closed" = "start";
  private afterReturn = false;
  private stopped = false;
  /** The beginning, until its first line is whole. */
  private head: string | undefined = "";
  private delimiter = ",";
  private ends = /[,\n\r]/g;

  /**
   * @param name The file's, for messages.
   * @param use Called with each row that is not empty.
   */
  constructor(
    private readonly name: string,
    private readonly use: UseRow,
  ) {}

  /**
   * Read on.
   *
   * @returns false when no more is wanted
   * @throws UserError naming the row with text after a closing quote, or with a cell too long
   */
  push(text: string): boolean {
    if (this.head === undefined) this.read(text);
    else {
      this.head += text;
      if (/[\n\r]/.test(this.head)) this.begin(this.head);
    }
    return !this.stopped;
  }

  /**
   * Nothing follows.
   *
   * @throws UserError naming the row in which a quote was opened and never closed
   */
  end(): void {
    if (this.head !== undefined) this.begin(this.head);
    if (this.state === "quoted") this.refuseUnclosed();
    if (this.state !== "start" || this.cells.length > 0) this.endCell("\n");
  }

  private begin(head: string): void {
    this.head = undefined;
    const line = head.split(/[\n\r]/, 1)[0].replace(/"[^"]*"/g, "");
    const count = (delimiter: string) => line.split(delimiter).length;
    this.delimiter = DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best));
    this.ends = new RegExp(`[\\${this.delimiter}\n\r]`, "g");
    // Some writers mark UTF-8 by an invisible first character.
    this.read(head.replace(/^\ufeff/, ""));
  }

  private read(text: string): void {
    for (let at = 0; at < text.length && !this.stopped; ) at = this.step(text, at);
  }

  /** @returns where the next step begins */
  private step(text: string, at: number): number {
    const c = text[at];
    switch (this.state) {
      case "start": {
        const second = this.afterReturn && c === "\n";
        this.afterReturn = false;
        if (second || c === " ") return at + 1;
        this.state = c === '"' ? "quoted" : "plain";
        return c === '"' ? at + 1 : at;
      }
      case "plain": {
        this.ends.lastIndex = at;
        const end = this.ends.exec(text)?.index ?? text.length;
        this.append(text.slice(at, end));
        if (end < text.length) this.endCell(text[end]);
        return end + 1;
      }
      case "quoted": {
        const quote = text.indexOf('"', at);
        this.append(text.slice(at, quote < 0 ? text.length : quote));
        if (quote < 0) return text.length;
        this.state = "quote";
        return quote + 1;
      }
      case "quote":
        this.state = c === '"' ? "quoted" : "closed";
        if (c === '"') this.cell += c;
        return c === '"' ? at + 1 : at;
      case "closed":
        if (c === this.delimiter || c === "\n" || c === "\r") this.endCell(c);
        else if (c !== " ") {
          throw new UserError(
            `${this.name}, row ${this.row}: after a closing quote comes '${text.slice(at, at + 20)}'.`,
            "Put the whole cell in quotes, and double a quote inside it.",
          );
        }
        return at + 1;
    }
  }

  private append(piece: string): void {
    this.cell += piece;
    if (this.cell.length <= LONGEST_CELL) return;
    if (this.state === "quoted") this.refuseUnclosed();
    throw new UserError(
      `${this.name}, row ${this.row}: a cell has more than ${LONGEST_CELL} characters.`,
      "Is this a CSV?",
    );
  }

  private refuseUnclosed(): never {
    throw new UserError(
      `${this.name}, row ${this.row}: a quote is opened and never closed.`,
      "Close it, or double it if it belongs to the text.",
    );
  }

  private endCell(c: string): void {
    // Blanks around a cell are for the eye, unless they are in quotes.
    const quoted = this.state === "quote" || this.state === "closed";
    this.cells.push(quoted ? this.cell : this.cell.trim());
    this.cell = "";
    this.state = "start";
    if (c === this.delimiter) return;
    this.afterReturn = c === "\r";
    if (this.cells.some((cell) => cell.trim() !== "")) {
      this.stopped = this.use(this.cells, this.row) === false;
    }
    this.cells = [];
    this.row++;
  }
}

/** Cells as a line of CSV without its end, with quotes around those that need them. */
export function csvLine(cells: readonly (string | number)[]): string {
  return cells
    .map((cell) => {
      const text = String(cell);
      return /[",;\t|\n\r]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(",");
}

/**
 * A table as CSV text: a header and a line a row, each ended by `\n`.
 *
 * @param header Names of the columns.
 * @param rows As many cells each.
 */
export function formatCsv(
  header: readonly string[],
  rows: Iterable<readonly (string | number)[]>,
): string {
  return [header, ...rows].map((cells) => `${csvLine(cells)}\n`).join("");
}
