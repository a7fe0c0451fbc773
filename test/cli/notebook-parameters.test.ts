import { strict as assert } from "node:assert";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readParameters } from "#lib/cli/notebook-parameters";
import { temporaryFolder } from "../train/support";

const NOTEBOOKS = resolve(__dirname, "..", "..", "notebooks");

describe("a notebook's parameters", () => {
  const folder = temporaryFolder();
  const path = join(folder.path, "mine.ipynb");
  after(() => folder.remove());

  const write = (source: string, tags: readonly string[] = ["parameters"]) =>
    writeFileSync(
      path,
      JSON.stringify({ cells: [{ cell_type: "code", metadata: { tags }, source: [source] }] }),
    );

  it("are what its tagged cell declares, each by its kind", () => {
    write('const size = 3;\nlet name = "hers";\nconst only: string = "1";\nconst list = [1];');
    const given = ["size=5", "name=5", "only=true", "list=[1, 2]"];
    const values = { size: 5, name: "5", only: "true", list: [1, 2] };
    assert.deepEqual(readParameters(path, given), values);
    assert.deepEqual(readParameters(path, []), {});
    assert.deepEqual(readParameters(path, ["name=a=b"]), { name: "a=b" });
  });

  it("take settings, where there is a list `set` for them", () => {
    write("const size = 3;\nconst set: string[] = [];");
    const set = ["train.epochs=5", "data.size=16"];
    assert.deepEqual(readParameters(path, ["size=4", ...set]), { size: 4, set });
  });

  it("that it does not have are refused, and named", () => {
    write("const size = 3;\nconst seed = 1;");
    assert.throws(() => readParameters(path, ["sise=5"]), /no parameter "sise"; it has size, seed/);
    assert.throws(() => readParameters(path, ["size"]), /--set size is not KEY=VALUE/);
    assert.throws(() => readParameters(path, ["size=[1"]), /--set size=\[1: the value is no YAML/);
    write("const size = 3;", []);
    assert.throws(() => readParameters(path, ["size=5"]), /has no parameters/);
    writeFileSync(path, "{}");
    assert.throws(() => readParameters(path, ["size=5"]), /not a notebook of format 4/);
    writeFileSync(path, "galaxy");
    assert.throws(() => readParameters(path, ["size=5"]), /is not a notebook: /);
  });

  it("stand in each of ours, before they are used", () => {
    for (const name of readdirSync(NOTEBOOKS).filter((file) => file.endsWith(".ipynb"))) {
      const parameter = name.startsWith("06") ? "only" : "set";
      const values = readParameters(join(NOTEBOOKS, name), [`${parameter}=[]`]);
      assert.ok(parameter in values, name);
      const { cells } = JSON.parse(readFileSync(join(NOTEBOOKS, name), "utf8"));
      const code = cells.filter((cell: { cell_type: string }) => cell.cell_type === "code");
      assert.deepEqual(code[0].metadata.tags, ["parameters"], name);
    }
  });
});
