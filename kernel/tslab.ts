/**
 * tslab's converter (cell → JavaScript) and executor, as this kernel needs them: with the instances
 * of packages that tslab's own files use.
 */
import Module, { createRequire } from "node:module";
import type { Converter, ConvertResult } from "tslab/dist/converter";
import type { Executor } from "tslab/dist/executor";
import { compiler } from "./compiler";

export type { Converter, ConvertResult, Executor };

const require_ = createRequire(require.resolve("tslab/package.json"));

/** Where tslab finds the compiler that it was written against, a fork of TypeScript 5.0. */
const FORK = require_.resolve("@tslab/typescript-for-tslab");

/** What the last cell's two translations, to modules and then to CommonJS, say of its places. */
export const lastMaps: { toModule?: string; toCommonJs?: string } = {};

/** The compiler that tslab gets: it keeps source maps, and takes no globals of test frameworks. */
export const ts: typeof compiler = {
  ...compiler,
  transpileModule(text, options) {
    const map = /^\/\/# sourceMappingURL=data:[^,]*;base64,(.*)$/m.exec(text);
    lastMaps.toModule = map ? Buffer.from(map[1], "base64").toString() : undefined;
    const compilerOptions = { ...options.compilerOptions, sourceMap: true };
    const result = compiler.transpileModule(text, { ...options, compilerOptions });
    lastMaps.toCommonJs = result.sourceMapText;
    const outputText = result.outputText.replace(/^\/\/# sourceMappingURL=.*$/gm, "");
    return { ...result, outputText };
  },
  createWatchCompilerHost: (files, options, ...rest) =>
    compiler.createWatchCompilerHost(
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

const instead = new Module(FORK);
instead.exports = ts;
instead.loaded = true;
require.cache[FORK] = instead;

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
