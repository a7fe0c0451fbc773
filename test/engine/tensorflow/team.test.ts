import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasSiluKernel } from "#lib/engine/tensorflow/silu-op";
import { withOwnKernel } from "../support";

describe("threads that share an op", () => {
  withOwnKernel(hasSiluKernel);

  it("do each part once and are done when the op is, however many ops there are at once", function () {
    this.timeout(60_000);
    const folder = mkdtempSync(join(tmpdir(), "tuning-fork-test-"));
    try {
      const program = join(folder, "team");
      const source = join(__dirname, "team.cc");
      const compiler = process.env.CXX || "g++";
      execFileSync(compiler, ["-std=c++17", "-O2", "-pthread", source, "-o", program]);
      execFileSync(program);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
