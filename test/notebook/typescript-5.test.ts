import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import type * as TypeScript from "@tslab/typescript-for-tslab";
import { ROOT } from "./support";

// The oldest compiler that may read the library, an editor's for example: the fork that tslab brings, with the settings of a cell.
const ts: typeof TypeScript = createRequire(join(ROOT, "node_modules/tslab/package.json"))(
  "@tslab/typescript-for-tslab",
);
const CELL = join(ROOT, "notebooks", "__cell__.ts");

/** Complaints about the cell, or about the library's own declarations where these are asked for. */
function diagnostics(source: string, declarations: readonly string[] = []): string[] {
  const options: TypeScript.CompilerOptions = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    esModuleInterop: true,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts"],
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules", "@types")],
    strict: true,
    skipLibCheck: declarations.length === 0,
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === CELL || fileExists.call(host, path);
  host.getSourceFile = (path, language) =>
    path === CELL
      ? ts.createSourceFile(path, source, language)
      : getSourceFile.call(host, path, language);
  const program = ts.createProgram([CELL, ...declarations], options, host);
  return ts.getPreEmitDiagnostics(program).flatMap(({ file, start, messageText }) => {
    const path = file ? resolve(file.fileName) : "";
    const ours = path === CELL || path.startsWith(join(ROOT, "lib", "dist"));
    const line = file ? file.getLineAndCharacterOfPosition(start ?? 0).line + 1 : 0;
    const text = ts.flattenDiagnosticMessageText(messageText, " ");
    return ours ? [`${path}:${line} ${text}`] : [];
  });
}

describe("the library's declarations under TypeScript 5.0", function () {
  this.timeout(120_000);

  it("is the version that tslab brings", () => {
    assert.match(ts.version, /^5\.0\./);
  });

  it("are read without an error of their own", () => {
    const dist = join(ROOT, "lib", "dist");
    const files = readdirSync(dist, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".d.ts"))
      .map((name) => join(dist, name));
    assert.ok(files.length > 0);
    assert.deepEqual(diagnostics('import * as fork from "tuning-fork"; fork;', files), []);
  });

  it("are found by every entry point", () => {
    const { exports: entries } = JSON.parse(
      readFileSync(join(ROOT, "lib", "package.json"), "utf8"),
    );
    const names = Object.keys(entries).filter((name) => name !== "./package.json");
    const lines = names.map(
      (name, i) =>
        `import * as e${i} from "tuning-fork${name.slice(1)}"; const n${i}: number = e${i};`,
    );
    // A type for each, which is no number, and none that is any.
    const found = diagnostics(lines.join("\n"));
    assert.equal(found.length, names.length);
    for (const text of found) assert.match(text, /is not assignable to type 'number'/);
  });

  it("give a cell types, not any", () => {
    const cell = (assigned: string) =>
      'import { showTable, progress, UserError } from "tuning-fork";\n' +
      `const n: number = ${assigned};\nshowTable({ a: [n] });\n` +
      'progress(10, "work").update(3, { loss: 0.1 });';
    assert.deepEqual(diagnostics(cell("1")), []);
    const [wrong, ...others] = diagnostics(cell('new UserError("a", "b")'));
    assert.match(wrong, /__cell__\.ts:2 Type 'UserError' is not assignable to type 'number'/);
    assert.deepEqual(others, []);
  });
});
