import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..", "..");

/** The stage `types` checks what these files hold; this only sees that there are some. */
describe("test/types", () => {
  const { exports: entries } = JSON.parse(readFileSync(join(ROOT, "lib", "package.json"), "utf8"));

  for (const name of Object.keys(entries).filter((name) => name !== "./package.json")) {
    const file = `${name === "." ? "index" : name.slice(2)}.ts`;
    it(`${file} says how the entry point is called, and how it is not`, () => {
      assert.ok(readdirSync(join(ROOT, "test", "types")).includes(file));
      const code = readFileSync(join(ROOT, "test", "types", file), "utf8");
      assert.ok(code.includes(`from "tuning-fork${name.slice(1)}"`), "it imports the entry point");
      assert.ok(code.includes("@ts-expect-error"), "it has something that is refused");
      assert.ok(!code.includes("#lib"), "it sees what a user sees");
    });
  }
});
