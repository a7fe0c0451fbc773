/**
 * TypeScript as tslab asks for it. tslab was written against a fork of TypeScript 5.0, whose additions are
 * few: functions that a release has inside under other names, and an option that lets `await` at the top of
 * a cell pass as an error that tslab knows. Here a release has them, too.
 */
import type * as TypeScript from "typescript-6";

type Node = TypeScript.Node;
type SourceFile = TypeScript.SourceFile;
type Program = TypeScript.Program;
type Options = TypeScript.CompilerOptions;

/** What a release exports, but does not declare. */
interface Internals {
  readonly nullTransformationContext: TypeScript.TransformationContext;
  readonly Completions: {
    readonly getCompletionsAtPosition: (...args: never[]) => TypeScript.CompletionInfo | undefined;
  };
  readonly SymbolDisplay: {
    getSymbolDisplayPartsDocumentationAndSymbolKind(
      checker: TypeScript.TypeChecker,
      symbol: TypeScript.Symbol,
      file: SourceFile,
      enclosing: Node | undefined,
      location: Node,
    ): Pick<TypeScript.QuickInfo, "displayParts" | "documentation" | "tags"> & {
      symbolKind: TypeScript.ScriptElementKind;
    };
    getSymbolModifiers(checker: TypeScript.TypeChecker, symbol: TypeScript.Symbol): string;
  };
  getTouchingPropertyName(file: SourceFile, position: number): Node;
  getContainerNode(node: Node): Node | undefined;
  createTextSpanFromNode(node: Node, file: SourceFile): TypeScript.TextSpan;
  getEffectiveTypeRoots(options: Options, host: { getCurrentDirectory(): string }): string[];
}

const ts: typeof TypeScript & Internals = require("typescript-6");

/** Of tslab's options those that a release has; cells are read as loosely as ever. */
function known({ noImplicitUseStrict, disableTopLevelAwait, ...options }: Options): Options {
  // Packages are found as Node 10 found them, for `typesVersions`; TypeScript 6 wants to hear that it is meant.
  return { strict: false, ignoreDeprecations: "6.0", ...options };
}

/** Everything that is wrong with some files of a program. */
function getPreEmitDiagnosticsOfFiles(program: Program, files: readonly SourceFile[]) {
  const { declaration } = program.getCompilerOptions();
  return ts.sortAndDeduplicateDiagnostics([
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
      ...(declaration ? program.getDeclarationDiagnostics(file) : []),
    ]),
  ]);
}

/** What stands at a place: the language service's own answer, for a program that is there already. */
function getQuickInfoAtPosition(
  file: SourceFile,
  checker: TypeScript.TypeChecker,
  _cancellation: unknown,
  position: number,
): TypeScript.QuickInfo | undefined {
  const touched = ts.getTouchingPropertyName(file, position);
  if (touched === file) return undefined;
  const { parent } = touched;
  const called = ts.isNewExpression(parent) && touched.pos === parent.pos;
  const node = called ? parent.expression : touched;
  const symbol = checker.getSymbolAtLocation(node);
  if (symbol === undefined) return undefined;
  const { symbolKind, ...shown } = ts.SymbolDisplay.getSymbolDisplayPartsDocumentationAndSymbolKind(
    checker,
    symbol,
    file,
    ts.getContainerNode(node),
    node,
  );
  return {
    kind: symbolKind,
    kindModifiers: ts.SymbolDisplay.getSymbolModifiers(checker, symbol),
    textSpan: ts.createTextSpanFromNode(node, file),
    ...shown,
  };
}

/** A translation without `"use strict"`, whose line stays, so that places do. */
function transpileModule(text: string, options: TypeScript.TranspileOptions) {
  const compilerOptions = known(options.compilerOptions ?? {});
  const result = ts.transpileModule(text, { ...options, compilerOptions });
  return { ...result, outputText: result.outputText.replace(/^"use strict";/, "") };
}

export const compiler = {
  ...ts,
  getNullTransformationContext: () => ts.nullTransformationContext,
  getDefaultTypeRoots: (folder: string) =>
    ts.getEffectiveTypeRoots({}, { getCurrentDirectory: () => folder }),
  getPreEmitDiagnosticsOfFiles,
  getQuickInfoAtPosition,
  transpileModule,
  Completions: {
    ...ts.Completions,
    getCompletionsAtPositionForTslab: ts.Completions.getCompletionsAtPosition,
  },
  createWatchCompilerHost: (files: string[], options: Options, ...rest: unknown[]) =>
    Reflect.apply(ts.createWatchCompilerHost, ts, [files, known(options), ...rest]),
};
