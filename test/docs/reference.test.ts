import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const FOLDER = resolve(__dirname, "..", "..", "tools", "reference");

describe("the reference", function () {
  this.timeout(600_000);

  it("has a sentence for everything that can be imported, and links that lead somewhere", () => {
    const typedoc = createRequire(join(FOLDER, "package.json")).resolve("typedoc");
    const command = join(typedoc, "..", "..", "bin", "typedoc");
    const { stdout, stderr, status } = spawnSync(process.execPath, [command, "--emit", "none"], {
      cwd: FOLDER,
      encoding: "utf8",
    });
    const lines = `${stdout}${stderr}`
      .split("\n")
      .filter((line) => /warning|error/.test(line) && !/Found \d+ errors/.test(line));
    const found = lines.flatMap((line) => {
      const undocumented = / (\S+) \(\w+\), defined in tuning-fork\/(\S+), does not have/.exec(
        line,
      );
      return undocumented ? [`${undocumented[2]}: ${undocumented[1]}`] : [line];
    });
    assert.deepEqual([...new Set(found)].sort(), []);
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
});
