/**
 * A notebook as one TypeScript module, and the way back from a line of it to a cell.
 *
 * tslab lets a cell see what earlier cells declared and declare it anew. A cell inside the block of
 * the one before it has just that scope, so the module is a nest of blocks:
 *
 *     import …            from any cell
 *     { cell 1
 *     { cell 2 }}
 */
// The parser that the kernel itself uses.
import ts from "typescript-6";

/** @returns the code cells with something in them; `number` counts all code cells from 1. */
export function codeCells(notebook) {
  return notebook.cells
    .filter((cell) => cell.cell_type === "code")
    .map((cell, index) => ({ number: index + 1, cell, source: [cell.source].flat().join("") }))
    .filter(({ source }) => source.trim() !== "");
}

/**
 * Join the cells into one module.
 *
 * @returns `text`; `origins[i]`, the cell number and line (both from 1) behind line i of it, if
 *   any; and `clashes`, names that cells import from different modules.
 */
export function asModule(cells) {
  const head = [];
  const body = [];
  const imported = new Map();
  const clashes = [];
  for (const { number, source } of cells) {
    const { imports, rest } = takeImports(source);
    for (const item of imports) {
      const fresh = item.names.filter(({ local, from }) => {
        const known = imported.get(local);
        if (known === undefined) imported.set(local, from);
        else if (known !== from) clashes.push({ cell: number, line: item.line, name: local });
        return known === undefined;
      });
      if (item.names.length > 0 && fresh.length === 0) continue;
      const texts =
        fresh.length === item.names.length
          ? [" ".repeat(item.column) + item.text]
          : fresh.map(({ alone }) => alone);
      for (const text of texts) {
        text.split("\n").forEach((line, i) => {
          head.push({ line, origin: { cell: number, line: item.line + i } });
        });
      }
    }
    body.push({ line: "{" });
    rest.split("\n").forEach((line, i) => {
      body.push({ line, origin: { cell: number, line: i + 1 } });
    });
  }
  const lines = [...head, { line: "export {};" }, ...body, { line: "}".repeat(cells.length) }];
  return {
    text: `${lines.map(({ line }) => line).join("\n")}\n`,
    origins: lines.map(({ origin }) => origin),
    clashes,
  };
}

/** Split a cell into its imports and the rest, whose lines and columns stay where they were. */
function takeImports(source) {
  const file = ts.createSourceFile("cell.ts", source, ts.ScriptTarget.Latest, true);
  const imports = [];
  let rest = source;
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const start = statement.getStart(file);
    const end = statement.getEnd();
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    const text = source.slice(start, end);
    imports.push({ line: line + 1, column: character, text, names: importedNames(statement) });
    rest = rest.slice(0, start) + text.replace(/[^\n]/g, " ") + rest.slice(end);
  }
  return { imports, rest };
}

/** Each name an import declares: from where, and the import of this name alone. */
function importedNames({ importClause, moduleSpecifier }) {
  if (!importClause) return [];
  const from = moduleSpecifier.getText();
  const typeOnly = importClause.isTypeOnly ? "type " : "";
  const names = [];
  const add = (local, what) =>
    names.push({
      local,
      from: `${what} of ${from}`,
      alone: `import ${typeOnly}${what} from ${from};`,
    });
  if (importClause.name) add(importClause.name.text, importClause.name.text);
  const bindings = importClause.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings)) add(bindings.name.text, bindings.getText());
  if (bindings && ts.isNamedImports(bindings)) {
    for (const element of bindings.elements) add(element.name.text, `{ ${element.getText()} }`);
  }
  return names;
}
