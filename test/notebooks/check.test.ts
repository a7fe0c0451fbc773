import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { notebookOf, ROOT } from "../notebook/support";

function check(...paths: string[]) {
  const script = join(ROOT, "tools", "notebooks", "check.mjs");
  return spawnSync(process.execPath, [script, ...paths], { encoding: "utf8" });
}

describe("the notebook check", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "notebooks-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  function problems(notebook: object): string[] {
    const path = join(folder, "trial.ipynb");
    writeFileSync(path, JSON.stringify(notebook));
    const { stderr, status } = check(path);
    const lines = stderr.split("\n").filter((line) => line !== "");
    assert.equal(status, lines.length > 0 ? 1 : 0);
    return lines.map((line) => line.replace("trial.ipynb: ", ""));
  }

  it("passes the project's own notebooks", function () {
    this.timeout(60_000);
    const { status, stderr } = check();
    assert.equal(status, 0, stderr);
  });

  it("finds that each ends with an exercise, and a link to the next", () => {
    const folder = join(ROOT, "notebooks");
    const names = readdirSync(folder).filter((name) => name.endsWith(".ipynb"));
    for (const [i, name] of names.sort().entries()) {
      const { cells } = JSON.parse(readFileSync(join(folder, name), "utf8"));
      const last = [cells.at(-1).source].flat().join("");
      assert.match(last, /^## Exercise$/m, name);
      if (i + 1 < names.length) assert.ok(last.includes(`](${names[i + 1]})`), name);
    }
  });

  it("lets cells share a scope and declare anew, as the kernel does", () => {
    const cells = [
      'import { UserError } from "tuning-fork";\nconst x = 1;\nfunction f() { return x; }',
      'import { UserError } from "tuning-fork";\nconst y: string = await Promise.resolve("a");',
      "const x = y.length; let z = f();\ninterface Row { readonly id: string }",
      'z = x + 1; const row: Row = { id: y };\nthrow new UserError(row.id, "x");',
    ];
    assert.deepEqual(problems(notebookOf(cells)), []);
  });

  it("refuses lines of code that a small window cuts off", () => {
    const cells = ["const short = 1;", `\nconst long = "${"x".repeat(100)}";`];
    assert.deepEqual(problems(notebookOf(cells)), [
      "cell 2, line 2 has 116 characters, and 106 are seen in a small window; break it",
    ]);
  });

  it("names cell, line and column of a type error", () => {
    const cells = [
      "const x = 1;",
      "",
      "\nlet y: string = x;",
      "const f = (a) => a;\nlater();",
      "function later() {}",
    ];
    assert.deepEqual(problems(notebookOf(cells)), [
      "cell 3, line 2, column 5: error TS2322: Type 'number' is not assignable to type 'string'.",
      "cell 4, line 1, column 12: error TS7006: Parameter 'a' implicitly has an 'any' type.",
      "cell 4, line 2, column 1: error TS2304: Cannot find name 'later'.",
    ]);
  });

  it("finds an import that does not exist, and one name from two modules", () => {
    const cells = [
      'import { join } from "node:path";',
      'import {\n  UserError,\n  nothing,\n} from "tuning-fork";\nimport { join } from "tuning-fork";',
    ];
    assert.deepEqual(problems(notebookOf(cells)), [
      'cell 2, line 5: "join" is imported from another module before',
      "cell 2, line 3, column 3: error TS2305: Module '\"tuning-fork\"' has no exported member 'nothing'.",
    ]);
  });

  it("refuses outputs, execution counts and other kernels", () => {
    const notebook = {
      cells: [
        { cell_type: "markdown", source: "text" },
        { cell_type: "code", source: ["1;\n", "2;"], outputs: [{}], execution_count: null },
        { cell_type: "code", source: "", outputs: [], execution_count: 7 },
      ],
      metadata: { kernelspec: { name: "python3" } },
    };
    assert.deepEqual(problems(notebook), [
      'its kernel is "python3"; expected "tslab"',
      "cell 1 holds outputs or an execution count; --clear takes them out",
      "cell 2 holds outputs or an execution count; --clear takes them out",
    ]);
    const path = join(folder, "trial.ipynb");
    assert.match(check("--clear", path).stderr, /^trial.ipynb: its kernel is .*\n$/);
    assert.deepEqual(JSON.parse(readFileSync(path, "utf8")).cells[1], {
      cell_type: "code",
      source: ["1;\n", "2;"],
      outputs: [],
      execution_count: null,
    });
  });

  it("says when a file is no notebook", () => {
    const path = join(folder, "broken.ipynb");
    writeFileSync(path, "{");
    assert.match(check(path).stderr, /^broken\.ipynb: not a readable notebook/);
  });
});
