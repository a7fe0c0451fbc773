import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..", "..");
const { exports: entries } = JSON.parse(readFileSync(join(ROOT, "lib", "package.json"), "utf8"));
const names = Object.keys(entries).filter((name) => name !== "./package.json");
const specifier = (name: string) => `tuning-fork${name.slice(1)}`;

describe("the package as npm packs it", function () {
  this.timeout(300_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "packed-"));
    execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
      cwd: join(ROOT, "lib"),
    });
    const [archive] = readdirSync(folder);
    const modules = join(folder, "node_modules");
    mkdirSync(modules);
    execFileSync("tar", ["-xzf", join(folder, archive), "-C", modules]);
    for (const name of readdirSync(join(ROOT, "node_modules"))) {
      if (name.startsWith("tuning-fork") || name.startsWith(".")) continue;
      symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
    }
    execFileSync("mv", [join(modules, "package"), join(modules, "tuning-fork")]);
  });
  after(() => rmSync(folder, { recursive: true }));

  const node = (...args: string[]) =>
    spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });

  it("holds what its entry points name, and no build notes", () => {
    const files = readdirSync(join(folder, "node_modules", "tuning-fork", "dist"));
    assert.ok(files.includes("entries"));
    assert.ok(!files.includes(".tsbuildinfo"));
  });

  for (const name of names) {
    it(`${specifier(name)} is required and imported, with the same names`, () => {
      const required = node(
        "-e",
        `console.log(Object.keys(require("${specifier(name)}")).sort().join())`,
      );
      assert.equal(required.status, 0, required.stderr);
      const imported = node(
        "--input-type=module",
        "-e",
        `import * as all from "${specifier(name)}";
         console.log(Object.keys(all).filter((n) => !["default", "module.exports", "__esModule"].includes(n)).sort().join());`,
      );
      assert.equal(imported.status, 0, imported.stderr);
      assert.equal(imported.stdout, required.stdout);
      assert.ok(required.stdout.trim() !== "" || name === "./tasks");
    });
  }

  it("opens nothing else", () => {
    for (const inside of ["data/splits", "dist/data/splits", "dist/index.js", "notebook/display"]) {
      const { stderr } = node("-e", `require("tuning-fork/${inside}")`);
      assert.match(stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/, inside);
    }
  });

  it("runs its command", () => {
    const { status, stdout } = node("node_modules/tuning-fork/bin/tuning-fork.js", "--help");
    assert.equal(status, 0);
    assert.match(stdout, /train/);
  });

  for (const [module, moduleResolution, file] of [
    ["nodenext", "nodenext", "a.mts"],
    ["nodenext", "nodenext", "a.cts"],
    ["node16", "node16", "a.mts"],
    ["node16", "node16", "a.cts"],
    ["esnext", "bundler", "a.ts"],
  ]) {
    it(`has types under ${moduleResolution} (${file})`, () => {
      const lines = names.map(
        (name, i) =>
          `import * as e${i} from "${specifier(name)}";\n` +
          // If the types were not found they would be any, which takes everything.
          `// @ts-expect-error\nconst n${i}: number = e${i};\nvoid n${i};\n`,
      );
      writeFileSync(
        join(folder, file),
        `${lines.join("")}import { type Table, UserError } from "tuning-fork";\n` +
          'const table: Table = { a: [1] };\nvoid table;\nvoid new UserError("a", "b").remedy;\n',
      );
      const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
      const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"];
      const how = ["--module", module, "--moduleResolution", moduleResolution, "--types", "node"];
      const { status, stdout } = node(compiler, ...options, ...how, file);
      assert.equal(status, 0, stdout);
    });
  }
});
