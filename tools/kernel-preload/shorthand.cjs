/**
 * `{ model, data }` works with variables of earlier cells.
 *
 * tslab turns such a variable into a property of its own (`exports.model`), but not in the short
 * form of an object literal, which then fails with "model is not defined". So the short form is
 * written out, `{ model: model }`, before tslab sees the cell.
 */
const { fromTslab } = require("./tslab.cjs");
const ts = fromTslab("@tslab/typescript-for-tslab");
const converters = fromTslab("./dist/converter.js");

const { createConverter } = converters;
converters.createConverter = (options) => {
  const converter = createConverter(options);
  const { convert } = converter;
  converter.convert = (previous, source) => {
    const insertions = shorthands(source);
    const result = convert(previous, insertAll(source, insertions));
    for (const { fileName, start, end } of result.diagnostics) {
      if (fileName === undefined) for (const place of [start, end]) moveBack(place, insertions);
    }
    return result;
  };
  return converter;
};

/** Where in the source a short form stands, and what to write before it. */
function shorthands(source) {
  const file = ts.createSourceFile("cell.ts", source, ts.ScriptTarget.Latest, false);
  const found = [];
  const visit = (node) => {
    if (ts.isShorthandPropertyAssignment(node)) {
      const offset = node.name.getStart(file);
      const at = file.getLineAndCharacterOfPosition(offset);
      found.push({ offset, ...at, text: `${node.name.text}: ` });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function insertAll(source, insertions) {
  return insertions.reduceRight(
    (text, { offset, text: inserted }) => text.slice(0, offset) + inserted + text.slice(offset),
    source,
  );
}

/** A place in the written-out source, as a place in the person's. */
function moveBack(place, insertions) {
  for (const { line, character, text } of insertions) {
    if (line !== place.line || place.character < character) continue;
    place.character = Math.max(character, place.character - text.length);
  }
}
