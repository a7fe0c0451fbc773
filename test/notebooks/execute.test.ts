import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jupyterEnvironment, notebookOf, python, ROOT } from "../notebook/support";

const SCRIPT = join(ROOT, "lib", "setup", "python", "execute.py");
const environment = { ...jupyterEnvironment(), TUNING_FORK_PROFILE: "quick" };

function execute(notebook: string, copy: string, ...options: string[]) {
  const args = [SCRIPT, notebook, "--to", copy, ...options];
  return spawnSync(python(), args, { encoding: "utf8", env: environment });
}

describe("executing notebooks", function () {
  this.timeout(120_000);
  let folder: string;
  let count = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "execute-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  function write(cells: readonly string[]): [path: string, copy: string] {
    const path = join(folder, `trial-${++count}.ipynb`);
    writeFileSync(path, JSON.stringify(notebookOf(cells)));
    return [path, join(folder, `copy-${count}.ipynb`)];
  }

  it("writes the outputs to a copy and leaves the notebook as it is", () => {
    const [path, copy] = write([
      "const word = 'galaxy';",
      "console.log(word + process.env.TUNING_FORK_PROFILE)",
    ]);
    const before = readFileSync(path, "utf8");
    const { status, stdout, stderr } = execute(path, copy);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /\[2\/2\] console\.log\(word.*\n {4}galaxyquick\n/);
    assert.equal(readFileSync(path, "utf8"), before);
    const executed = JSON.parse(readFileSync(copy, "utf8"));
    assert.deepEqual([executed.cells[1].outputs[0].text].flat().join(""), "galaxyquick\n");
    assert.notEqual(execute(path, path).status, 0);
  });

  it("stops at a type error, names the cell, and exits with 1", () => {
    const [path, copy] = write([
      "",
      'console.log("one");',
      'let n: number = "x";',
      'console.log("not")',
    ]);
    const { status, stdout, stderr } = execute(path, copy);
    assert.equal(status, 1);
    assert.match(stderr, /cell 3 of 4 failed: let n: number = "x";\n1:5 - Type 'string' is not/);
    assert.doesNotMatch(stdout, /\bnot\n/);
  });

  it("stops at a thrown error, and at a kernel that dies", () => {
    const [thrown, thrownCopy] = write(['await Promise.reject(new Error("no such galaxy"));']);
    const first = execute(thrown, thrownCopy);
    assert.equal(first.status, 1);
    assert.match(first.stderr, /cell 1 of 1 failed: .*\nError: no such galaxy/);
    const [dead, deadCopy] = write(["process.kill(process.pid, 'SIGKILL');"]);
    const second = execute(dead, deadCopy);
    assert.equal(second.status, 1);
    assert.match(second.stderr, /cell 1 of 1 failed: .*\nthe kernel's process died/);
  });

  it("stops a cell that takes longer than allowed", () => {
    const [path, copy] = write(["await new Promise((resolve) => setTimeout(resolve, 60_000));"]);
    const { status, stderr } = execute(path, copy, "--timeout", "2");
    assert.equal(status, 1);
    assert.match(stderr, /longer than the 2 s allowed/);
  });

  it("stops at Ctrl-C and leaves no kernel behind", async () => {
    const [path, copy] = write([
      "console.log('pid', process.pid);\nfor (;;) await new Promise((r) => setTimeout(r, 100));",
    ]);
    const child = spawn(python(), [SCRIPT, path, "--to", copy], { env: environment });
    let output = "";
    const kernel = await new Promise<number>((resolve, reject) => {
      child.stdout.on("data", (text) => {
        output += text;
        const match = /pid (\d+)\n/.exec(output);
        if (match) resolve(Number(match[1]));
      });
      child.on("exit", () => reject(new Error(output)));
    });
    child.kill("SIGINT");
    const code = await new Promise((resolve) => child.on("exit", resolve));
    assert.equal(code, 130);
    assert.throws(() => process.kill(kernel, 0), /ESRCH/);
  });
});
