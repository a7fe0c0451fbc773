/**
 * tslab's converter (cell → JavaScript) and executor, as this kernel needs them: with the instances
 * of packages that tslab's own files use.
 */
import { createRequire } from "node:module";
import type { Converter, ConvertResult } from "tslab/dist/converter";
import type { Executor } from "tslab/dist/executor";

export type { Converter, ConvertResult, Executor };

const require_ = createRequire(require.resolve("tslab/package.json"));

/** A node of TypeScript's syntax tree, as far as it is looked at here. */
export interface SyntaxNode {
  readonly kind: number;
  readonly end: number;
  readonly name?: SyntaxNode & { readonly text: string };
  readonly expression?: SyntaxNode;
  readonly awaitModifier?: SyntaxNode;
  getStart(file: SyntaxNode): number;
}
export interface SyntaxFile extends SyntaxNode {
  getLineAndCharacterOfPosition(offset: number): { line: number; character: number };
}
interface TranspileOptions {
  readonly compilerOptions: object;
}
interface Compiler {
  readonly version: string;
  readonly ScriptTarget: { readonly Latest: number };
  readonly SyntaxKind: Readonly<Record<"AwaitExpression" | "ForOfStatement", number>>;
  readonly sys: Record<"watchFile" | "watchDirectory", unknown>;
  createSourceFile(name: string, text: string, target: number, parents: boolean): SyntaxFile;
  forEachChild(node: SyntaxNode, visit: (node: SyntaxNode) => void): void;
  isShorthandPropertyAssignment(node: SyntaxNode): boolean;
  isFunctionLike(node: SyntaxNode): boolean;
  transpileModule(
    text: string,
    options: TranspileOptions,
  ): { outputText: string; sourceMapText?: string };
  createWatchCompilerHost(files: string[], options: object, ...rest: unknown[]): unknown;
}

const COMPILER = "@tslab/typescript-for-tslab";
const original: Compiler = require_(COMPILER);

/** What the last cell's two translations, to modules and then to CommonJS, say of its places. */
export const lastMaps: { toModule?: string; toCommonJs?: string } = {};

/** The compiler that tslab gets: it keeps source maps, and takes no globals of test frameworks. */
export const ts: Compiler = {
  ...original,
  transpileModule(text, options) {
    const map = /^\/\/# sourceMappingURL=data:[^,]*;base64,(.*)$/m.exec(text);
    lastMaps.toModule = map ? Buffer.from(map[1], "base64").toString() : undefined;
    const compilerOptions = { ...options.compilerOptions, sourceMap: true };
    const result = original.transpileModule(text, { ...options, compilerOptions });
    lastMaps.toCommonJs = result.sourceMapText;
    const outputText = result.outputText.replace(/^\/\/# sourceMappingURL=.*$/gm, "");
    return { ...result, outputText };
  },
  createWatchCompilerHost: (files, options, ...rest) =>
    original.createWatchCompilerHost(
      files,
      { ...options, types: ["node"], inlineSourceMap: true },
      ...rest,
    ),
};

// The kernel watches no files: tslab's compiler would follow every declaration it has read, while
// Node keeps the modules it has loaded, and after a rebuild of the library the two would disagree.
const unwatched = () => ({ close() {} });
ts.sys.watchFile = unwatched;
ts.sys.watchDirectory = unwatched;

const compilerModule = require.cache[require_.resolve(COMPILER)];
if (compilerModule) compilerModule.exports = ts;

type WriteDisplayData = (content: Readonly<Record<string, unknown>>, update?: boolean) => void;

export const tslab: {
  readonly converter: typeof import("tslab/dist/converter");
  readonly executor: typeof import("tslab/dist/executor");
  readonly inspect: typeof import("tslab/dist/inspect");
  /** Where tslab's `display` and the library's look for the cell that is open. */
  readonly jupyter: { lastWriteDisplayData: WriteDisplayData | null };
} = {
  converter: require_("./dist/converter.js"),
  executor: require_("./dist/executor.js"),
  inspect: require_("./dist/inspect.js"),
  jupyter: require_("./dist/jupyter.js"),
};
