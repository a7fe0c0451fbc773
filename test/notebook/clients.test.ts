import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "../train/support";
import { jupyterEnvironment, notebookOf, python } from "./support";

/** A notebook whose outputs are known: a stream, a result, an error. */
const CELLS = ['console.log("galaxy");', "6 * 7", 'throw new RangeError("out of the field");'];
const OUTPUTS = [
  [{ output_type: "stream", name: "stdout", text: "galaxy\n" }],
  [
    {
      output_type: "execute_result",
      execution_count: 2,
      metadata: {},
      data: { "text/plain": "42" },
    },
  ],
  [
    {
      output_type: "error",
      ename: "RangeError",
      evalue: "out of the field",
      traceback: ["RangeError: out of the field", "    at cell 3, line 1"],
    },
  ],
];

interface SavedCell {
  readonly outputs?: readonly Record<string, unknown>[];
}

describe("Jupyter's own clients", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(() => folder.remove());

  const run = (...args: string[]) =>
    spawnSync(python(), args, { encoding: "utf8", env: jupyterEnvironment(), cwd: __dirname });
  const at = (name: string) => join(folder.path, name);
  const write = (name: string, cells: readonly string[]) => {
    writeFileSync(at(name), JSON.stringify(notebookOf(cells)));
    return at(name);
  };
  const outputsOf = (path: string) =>
    (JSON.parse(readFileSync(path, "utf8")).cells as SavedCell[]).map(({ outputs = [] }) =>
      outputs.map((output) =>
        output.output_type === "stream"
          ? { ...output, text: [output.text].flat().join("") }
          : output,
      ),
    );

  it("find that the kernel speaks the protocol", () => {
    const { status, stderr } = run("-m", "unittest", "protocol");
    assert.equal(status, 0, stderr);
    const [, ran] = /Ran (\d+) tests/.exec(stderr) ?? [];
    const [, skipped = "0"] = /skipped=(\d+)/.exec(stderr) ?? [];
    assert.ok(Number(ran) - Number(skipped) >= 8, stderr);
  });

  it("papermill stops at the error and keeps what was before; nbval compares the outputs", () => {
    const [source, out] = [write("source.ipynb", CELLS), at("papermill.ipynb")];
    const { status, stderr } = run("-m", "papermill", "--no-progress-bar", source, out);
    assert.equal(status, 1);
    assert.match(stderr, /RangeError: out of the field/);
    assert.match(stderr, /cell 3, line 1/);
    // papermill puts a remark on top.
    const outputs = outputsOf(out).filter((some) => !("text/html" in Object(some[0]?.data)));
    const code = outputs.filter((some) => some.length > 0);
    assert.deepEqual(
      code.flat().map(({ output_type }) => output_type),
      OUTPUTS.flat().map(({ output_type }) => output_type),
    );
    assert.deepEqual(code.at(-1), OUTPUTS[2]);

    const right = JSON.parse(JSON.stringify(notebookOf(CELLS.slice(0, 2))));
    for (const [i, cell] of right.cells.entries())
      Object.assign(cell, { outputs: OUTPUTS[i], execution_count: i + 1 });
    writeFileSync(at("right.ipynb"), JSON.stringify(right));
    right.cells[1].outputs = [{ ...OUTPUTS[1][0], data: { "text/plain": "43" } }];
    writeFileSync(at("wrong.ipynb"), JSON.stringify(right));
    const files = [at("right.ipynb"), at("wrong.ipynb")];
    const compared = run("-m", "pytest", "-q", "--nbval", "--rootdir", dirname(source), ...files);
    assert.equal(compared.status, 1);
    assert.match(compared.stdout, /1 failed, 3 passed/);
  });

  it("nbconvert runs a notebook to its end where errors are allowed, and makes a page of it", () => {
    const source = write("errors.ipynb", [...CELLS, "'after'"]);
    const { status, stderr } = run(
      ...["-m", "nbconvert", "--execute", "--allow-errors", "--to", "html", source],
    );
    assert.equal(status, 0, stderr);
    const page = readFileSync(at("errors.html"), "utf8");
    for (const said of ["RangeError: out of the field", "at cell 3, line 1"])
      assert.ok(page.includes(said), said);
    assert.ok(/(&#39;|')after(&#39;|')/.test(page.slice(page.indexOf("cell 3, line 1"))));
  });
});
