import { inspect } from "node:util";
import { lineInCell } from "./convert-cell";

/** An error as the protocol tells it. */
export interface ErrorContent extends Readonly<Record<string, unknown>> {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

const KERNEL_LINE =
  /^\s+at .*(node_modules[\\/]tslab[\\/]|\(node:|at node:|run-cell|new Promise \(<anonymous>\)|[\\/]kernel[\\/](dist[\\/])?[\w-]+\.[jt]s:)/;
const CELL_PLACE = /\(?\b(cell-\d+):(\d+):(\d+)\)?/;

/** What was thrown: its message, then the lines of cells and of modules, not the kernel's own. */
export function errorContent(thrown: unknown): ErrorContent {
  if (!(thrown instanceof Error) && !isErrorOfAnotherRealm(thrown)) {
    const evalue = typeof thrown === "string" ? thrown : inspect(thrown);
    return { ename: "thrown", evalue, traceback: [`thrown: ${evalue}`] };
  }
  const { name, message } = thrown;
  const stack = thrown.stack ?? "";
  const lines = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const traceback = lines.filter((line) => !KERNEL_LINE.test(line)).flatMap(inPersonsWords);
  const cause = thrown.cause === undefined ? [] : [`caused by ${inspect(thrown.cause)}`];
  return {
    ename: name,
    evalue: message,
    traceback: [`${name}: ${message}`, ...traceback, ...cause],
  };
}

/**
 * A cell that does not compile: `1:7 - Type …`, a line each problem. Most names that are not known are those of a
 * cell that was not run yet, and then the other problems follow from it, so the last line says what to do.
 */
export function diagnosticsContent(problems: readonly string[]): ErrorContent {
  const names = problems.flatMap((line) => /Cannot find name '(.+?)'/.exec(line)?.[1] ?? []);
  const unknown = [...new Set(names)].join(", ");
  const advice = `  → not known yet: ${unknown}. Run the cells that make them first, or look for a typing error`;
  const lines = unknown === "" ? problems : [...problems, advice];
  return { ename: "TypeScriptError", evalue: lines.join("\n"), traceback: lines };
}

function isErrorOfAnotherRealm(thrown: unknown): thrown is Error {
  return Object.prototype.toString.call(thrown) === "[object Error]";
}

/** `at f (cell-3:5:9)` becomes `at f (cell 3, line 2)`; a line that is none of the cell's goes. */
function inPersonsWords(line: string): string[] {
  const place = CELL_PLACE.exec(line);
  if (!place) return [line];
  const [found, name, row, column] = place;
  const lineNumber = lineInCell(name, Number(row), Number(column));
  if (lineNumber === undefined) return [];
  const words = `${name.replace("-", " ")}, line ${lineNumber}`;
  const written = line.replace(found, found.startsWith("(") ? `(${words})` : words);
  return [written.replace(/at Proxy\./, "at ")]; // earlier cells' variables stand in a proxy
}
