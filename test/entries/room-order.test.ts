import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

const LIB = resolve(__dirname, "..", "..", "lib");

/** A room imports from itself and from those before it. */
const order = [
  ...["core", "io", "engine", "data", "models", "evaluate", "tasks", "predict", "train", "boost"],
  ...["explain", "embed", "plots", "cluster", "notebook", "cli", "entries"],
];

const files = order.flatMap((room) => {
  try {
    return readdirSync(join(LIB, room), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(room, name));
  } catch {
    return [];
  }
});

/** The files of lib that a file imports, dynamically too. */
function importsOf(file: string): string[] {
  const code = readFileSync(join(LIB, file), "utf8");
  const words = code.matchAll(/(?:from|import|import\(|require\()\s*"(\.[^"]+)"/g);
  return Array.from(words, ([, path]) => relative(LIB, join(LIB, dirname(file), path)));
}

describe("the rooms of lib", () => {
  it("import only to the left", () => {
    const wrong = files.flatMap((file) => {
      const place = order.indexOf(file.split("/")[0]);
      return importsOf(file)
        .filter((path) => order.indexOf(path.split("/")[0]) > place)
        .map((path) => `${file} imports ${path}`);
    });
    assert.deepEqual(wrong, []);
  });

  it("know no room that is not named here", () => {
    const folders = readdirSync(LIB, { withFileTypes: true }).filter(
      (entry) =>
        entry.isDirectory() &&
        !["bin", "dist", "setup", "weights", "node_modules"].includes(entry.name),
    );
    assert.deepEqual(
      folders.map(({ name }) => name).filter((name) => !order.includes(name)),
      [],
    );
  });

  it("leave engine/tensorflow to the engine", () => {
    const wrong = files
      .filter((file) => !file.startsWith("engine/"))
      .flatMap((file) =>
        importsOf(file)
          .filter((path) => path.startsWith("engine/tensorflow"))
          .map((path) => `${file} imports ${path}`),
      );
    assert.deepEqual(wrong, []);
  });

  it("have no two files of one name", () => {
    const places = new Map<string, string[]>();
    // Each kind of thing has its registry.
    for (const file of files.filter((file) => basename(file) !== "registry.ts")) {
      places.set(basename(file), [...(places.get(basename(file)) ?? []), file]);
    }
    assert.deepEqual(
      [...places].filter(([, same]) => same.length > 1),
      [],
    );
  });
});
