import { inspect } from "node:util";
import type { Host } from "./cell";
import { PROTOCOL_VERSION } from "./message";
import { type Executor, ts, tslab } from "./tslab";

/** What is asked about code that is not run: completion, documentation, whether it is complete. */
export class Language {
  /** @param executor Knows what earlier cells declared. */
  constructor(private readonly executor: Executor) {}

  kernelInfo() {
    return {
      status: "ok",
      protocol_version: PROTOCOL_VERSION,
      implementation: "tuning-fork",
      implementation_version: "0.1.0",
      banner: `TypeScript ${ts.version} on Node ${process.versions.node}`,
      help_links: [],
      language_info: {
        name: "typescript",
        version: ts.version,
        mimetype: "text/typescript",
        file_extension: ".ts",
        // The first makes JupyterLab color TypeScript, the others the classic notebook.
        codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
      },
    };
  }

  isComplete(code: string) {
    const { completed, indent } = tslab.converter.isCompleteCode(code);
    return completed ? { status: "complete" } : { status: "incomplete", indent: indent ?? "" };
  }

  complete(code: string, cursor: number) {
    const { start, end, candidates } = this.executor.complete(code, offsetOf(code, cursor));
    return {
      status: "ok",
      matches: candidates,
      cursor_start: cursorOf(code, start),
      cursor_end: cursorOf(code, end),
      metadata: {},
    };
  }

  /**
   * What stands at the cursor, and of a variable its value; between the brackets of a call, what is called.
   *
   * @param host Knows the variables.
   */
  inspect(code: string, cursor: number, host: Host) {
    const offset = offsetOf(code, cursor);
    const called = openBracket(code, offset);
    const info =
      this.executor.inspect(code, offset) ??
      (offset > 0 ? this.executor.inspect(code, offset - 1) : undefined) ??
      (called > 0 ? this.executor.inspect(code, called - 1) : undefined);
    const value = valueLines(nameAt(code, offset), host);
    if (info === undefined) return { status: "ok", found: false, data: {}, metadata: {} };
    const text = [tslab.inspect.printQuickInfo(info).trimEnd(), ...value].join("\n\n");
    return { status: "ok", found: true, data: { "text/plain": text }, metadata: {} };
  }
}

/** The name that an offset lies in or ends; none where it is a member of something. */
function nameAt(code: string, offset: number): string | undefined {
  for (const { 0: name, index } of code.matchAll(/[\p{L}\p{N}_$]+/gu)) {
    if (index <= offset && offset <= index + name.length)
      return /\.\s*$/.test(code.slice(0, index)) ? undefined : name;
  }
  return undefined;
}

const LINES = 12;

/** What a variable holds: its first lines, its shape and bytes; nothing of functions. */
function valueLines(name: string | undefined, host: Host): string[] {
  const variables = host.variables();
  if (name === undefined || !Object.hasOwn(variables, name)) return [];
  const value = variables[name];
  if (value === undefined || typeof value === "function") return [];
  const known = typeof value === "object" && value !== null ? host.view?.(value) : undefined;
  const text = known?.["text/plain"] ?? inspect(value, { depth: 1, maxArrayLength: 12 });
  const lines = String(text).split("\n");
  const first = lines.length > LINES ? [...lines.slice(0, LINES), "…"] : lines;
  const { shape = "", bytes = null } = host.describe?.(value) ?? {};
  const facts = [shape === "" ? [] : `shape ${shape}`, bytes === null ? [] : `${bytes} bytes`];
  return [first.map((line) => line.slice(0, 200)).join("\n"), facts.flat().join(", ")].filter(
    (part) => part !== "",
  );
}

/** Where the bracket is that is open at an offset; -1 when none is. */
function openBracket(code: string, offset: number): number {
  let closed = 0;
  for (let at = offset - 1; at >= 0; at--) {
    if (code[at] === ")") closed++;
    if (code[at] === "(" && closed-- === 0) return at;
  }
  return -1;
}

/** The protocol counts characters, JavaScript UTF-16 units. */
function offsetOf(code: string, cursor: number): number {
  return Array.from(code).slice(0, cursor).join("").length;
}

function cursorOf(code: string, offset: number): number {
  return Array.from(code.slice(0, offset)).length;
}
