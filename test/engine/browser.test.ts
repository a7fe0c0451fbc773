import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, relative, resolve } from "node:path";
import { buildSync } from "esbuild";

const ROOT = resolve(__dirname, "..", "..");
const LIB = join(ROOT, "lib");
const sources = (folder: string) =>
  readdirSync(join(LIB, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => join(folder, file))
    .filter((file) => !/^(dist|node_modules)\//.test(file));
const importsOf = (file: string) =>
  [
    ...readFileSync(join(LIB, file), "utf8").matchAll(/(?:from|import\(|require\()\s*"([^"]+)"/g),
  ].map(([, path]) => path);

describe("the engine's two sides", () => {
  const portable = sources("engine").filter((file) => !file.startsWith("engine/tensorflow/"));

  it("has one way from the portable side to tensorflow/, which a browser leaves out", () => {
    const ways = portable.flatMap((file) =>
      importsOf(file)
        .filter((path) => path.includes("tensorflow/") && !path.startsWith("@"))
        .map((path) => `${file}: ${path}`),
    );
    assert.deepEqual(ways, ["engine/start.ts: ./tensorflow/start-engine.js"]);
  });

  it("bundles for a browser without anything of Node's", () => {
    for (const file of portable) {
      assert.deepEqual(importsOf(file).filter(isBuiltin), [], file);
    }
    const entry = portable
      .map((file) => join(LIB, "dist", file.replace(/\.ts$/, ".js")))
      .map((file, i) => `export * as e${i} from ${JSON.stringify(file)};`)
      .join("\n");
    const { metafile, errors } = buildSync({
      stdin: { contents: entry, resolveDir: ROOT },
      bundle: true,
      write: false,
      metafile: true,
      platform: "browser",
      format: "esm",
      logLevel: "silent",
    });
    assert.deepEqual(errors, []);
    const held = Object.entries(metafile.inputs)
      .filter(([path, { bytes }]) => path.includes("engine/tensorflow/") && bytes > 0)
      .map(([path]) => relative(ROOT, path));
    assert.deepEqual(held, []);
  });
});
