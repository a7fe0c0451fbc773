import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { build, type PluginBuild } from "esbuild";

const LIB = resolve(__dirname, "..", "..", "lib");

/** Files that a bundle leaves out, by what the package says: sources without their ending. */
const leftOut = new Set(
  Object.keys(JSON.parse(readFileSync(join(LIB, "package.json"), "utf8")).browser).map((file) =>
    join(LIB, file.replace("dist/", "").replace(/\.js$/, "")),
  ),
);

/** What a browser needs, by room; `except` is what reads and writes files, or speaks to the native engine. */
const rooms: Record<string, { only?: RegExp; except?: RegExp }> = {
  core: {},
  engine: { except: /^tensorflow\// },
  data: {
    only: /^(augment|fits|lupton|galaxy-|sky|simulator|view)/,
    except: /-file\.ts$/,
  },
  models: { except: /^(model-file|hub-model|weights|web-format)\.ts/ },
  evaluate: { except: /-file\.ts$/ },
  tasks: {},
  predict: { except: /-file\.ts$/ },
  explain: {},
  plots: { except: /^(browser|unpack-chromium|render|export-figures|encode-by-sharp)\.ts/ },
};

const filesOf = (room: string) =>
  readdirSync(join(LIB, room), { recursive: true, encoding: "utf8" }).filter(
    (name) =>
      name.endsWith(".ts") &&
      (rooms[room].only?.test(name) ?? true) &&
      !rooms[room].except?.test(name),
  );

/** Every import of Node's own that a bundle of these files would have, as `file: module`. */
async function nodeImports(files: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  const result = await build({
    entryPoints: files.map((file) => join(LIB, file)),
    bundle: true,
    write: false,
    outdir: "bundle",
    platform: "browser",
    format: "esm",
    metafile: true,
    logLevel: "silent",
    plugins: [
      {
        name: "node",
        setup({ onResolve }: PluginBuild) {
          onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
            const own = importer.startsWith(LIB);
            const source = resolve(dirname(importer), path).replace(/\.js$/, "");
            if (own && kind === "dynamic-import" && leftOut.has(source)) {
              return { path, external: true };
            }
            if (isBuiltin(path)) {
              if (own) found.add(`${relative(LIB, importer)}: ${path}`);
              return { path, external: true };
            }
            // Of packages, those of the engine have a form for browsers; the others are Node's.
            if (own && !/^\.|^@tensorflow\/|^zod$/.test(path) && path !== importer) {
              found.add(`${relative(LIB, importer)}: ${path}`);
              return { path, external: true };
            }
            return undefined;
          });
        },
      },
    ],
  });
  for (const input of Object.keys(result.metafile.inputs)) {
    const path = resolve(input);
    if (!path.startsWith(LIB)) continue;
    const code = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    for (const [, name] of code.matchAll(/\b(Buffer|process|__dirname|require)[.(]/g)) {
      found.add(`${relative(LIB, path)}: ${name}`);
    }
  }
  return [...found].sort();
}

describe("what a browser needs", function () {
  this.timeout(120_000);
  for (const room of Object.keys(rooms)) {
    it(`${room} bundles without Node`, async () => {
      const found = await nodeImports(filesOf(room).map((name) => join(room, name)));
      assert.deepEqual(found, []);
    });
  }
});
