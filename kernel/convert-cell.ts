import { SourceMap } from "node:module";
import type { Node } from "typescript-6";
import { type Converter, lastMaps, ts, tslab } from "./tslab";

interface Insertion {
  readonly offset: number;
  readonly line: number;
  readonly character: number;
  readonly text: string;
}

interface Place {
  line: number;
  character: number;
}

/** Of each cell: how many lines of JavaScript it has, and where they came from, in two steps. */
const cells = new Map<string, { readonly lines: number; readonly maps: readonly SourceMap[] }>();

/**
 * tslab's converter, with what it lacks:
 * - `{ model, data }` works with variables of earlier cells. tslab turns such a variable into a
 *   property of its own (`exports.model`), but not in the short form of an object literal, so the
 *   short form is written out before;
 * - each `await` of a cell lets an interrupt end the cell, and `for await` works outside functions;
 * - the code says which cell it is, and its lines can be found again.
 *
 * @param cellName Name of the cell that is converted next, for its traceback.
 */
export function createCellConverter(cellName: () => string): Converter {
  const converter = tslab.converter.createConverter({ isJS: false, isBrowser: false });
  const { convert } = converter;
  converter.convert = (previous, source) => {
    const insertions = shorthands(source);
    const result = convert(previous, insertAll(source, insertions));
    for (const { fileName, start, end } of result.diagnostics)
      if (fileName === undefined) for (const place of [start, end]) moveBack(place, insertions);
    if (result.output) {
      const name = cellName();
      const maps = [lastMaps.toCommonJs, lastMaps.toModule];
      cells.set(name, {
        lines: result.output.split("\n").length,
        maps: maps.flatMap((map) => (map === undefined ? [] : [new SourceMap(JSON.parse(map))])),
      });
      const guarded = guardAwaits(result.output);
      result.output = `${guarded.code}\n//# sourceURL=${name}`;
      result.hasToplevelAwait = guarded.hasToplevelAwait;
    }
    return result;
  };
  return converter;
}

/** The line of a cell, from 1, that a line of its JavaScript came from. */
export function lineInCell(name: string, line: number, column: number): number | undefined {
  let place = { line: line - 1, column: column - 1 };
  const cell = cells.get(name);
  if (!cell || line > cell.lines) return undefined;
  for (const map of cell.maps) {
    const entry = map.findEntry(place.line, place.column);
    if (!("originalLine" in entry)) return undefined;
    place = { line: entry.originalLine, column: entry.originalColumn };
  }
  return place.line; // tslab puts a line of its own before the first
}

function shorthands(source: string): Insertion[] {
  const file = ts.createSourceFile("cell.ts", source, ts.ScriptTarget.Latest, false);
  const found: Insertion[] = [];
  const visit = (node: Node) => {
    if (ts.isShorthandPropertyAssignment(node) && node.name) {
      const offset = node.name.getStart(file);
      const at = file.getLineAndCharacterOfPosition(offset);
      found.push({ offset, ...at, text: `${node.name.text}: ` });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function insertAll(source: string, insertions: readonly { offset: number; text: string }[]) {
  return insertions.reduceRight(
    (text, { offset, text: inserted }) => text.slice(0, offset) + inserted + text.slice(offset),
    source,
  );
}

/** A place in the written-out source, as a place in the person's. */
function moveBack(place: Place, insertions: readonly Insertion[]): void {
  for (const { line, character, text } of insertions) {
    if (line !== place.line || place.character < character) continue;
    place.character = Math.max(character, place.character - text.length);
  }
}

/** `await x` becomes `await __cell__.await(x)`, `for await (const y of x)` loops over `__cell__.each(x)`. */
function guardAwaits(code: string): { code: string; hasToplevelAwait: boolean } {
  let hasToplevelAwait = false;
  if (!code.includes("await")) return { code, hasToplevelAwait };
  // Outside a module `await (x)` would be the call of a function.
  const module = `${code}\nexport {};`;
  const file = ts.createSourceFile("cell.js", module, ts.ScriptTarget.Latest, false);
  const found: { offset: number; text: string }[] = [];
  const visit = (node: Node, inFunction: boolean) => {
    const guard = ts.isAwaitExpression(node)
      ? { at: node.expression, text: "__cell__.await(" }
      : ts.isForOfStatement(node) && node.awaitModifier
        ? { at: node.expression, text: "__cell__.each(" }
        : undefined;
    if (guard && !inFunction) hasToplevelAwait = true;
    if (guard) found.push({ offset: guard.at.getStart(file), text: guard.text });
    ts.forEachChild(node, (child) => {
      visit(child, inFunction || ts.isFunctionLike(node));
      if (child === guard?.at) found.push({ offset: child.end, text: ")" });
    });
  };
  visit(file, false);
  return { code: insertAll(code, found), hasToplevelAwait };
}
