import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..", "..");

/** The documents whose TypeScript is run; a block is a program of its own. */
const DOCUMENTS = ["docs/engine.md"];

describe("TypeScript in the documents", function () {
  this.timeout(240_000);
  // Inside the project, so that its packages and settings are found.
  const folder = join(__dirname, `snippets-${process.pid}`);
  const files = DOCUMENTS.flatMap((document) => {
    const text = readFileSync(join(ROOT, document), "utf8");
    return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code], i) => ({
      name: `${basename(document, ".md")}-${i + 1}.ts`,
      code: `${code}\nexport {};\n`,
    }));
  });

  before(() => {
    mkdirSync(folder);
    for (const { name, code } of files) writeFileSync(join(folder, name), code);
    const settings = { extends: "../../../tsconfig.json", include: ["*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
  });
  after(() => rmSync(folder, { recursive: true }));

  const node = (args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: ROOT,
      encoding: "utf8",
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
  };

  it("has the types that it uses", () => {
    assert.ok(files.length >= 4);
    node(["node_modules/typescript/bin/tsc", "-p", folder]);
  });

  for (const { name } of files) {
    it(`${name} runs`, () => node(["--require", "tsx/cjs", join(folder, name)]));
  }
});
