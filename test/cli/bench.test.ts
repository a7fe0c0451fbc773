import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchPlan, benchTable, measureRow } from "#lib/cli/bench-row";
import { temporaryFolder } from "../train/support";
import { tuningForkHere } from "./support";

/**
 * Stands for the Python with PyTorch: its forms take as long a step as their entry says; "compiled" still compiles in the
 * first step that is asked for.
 */
const FORMS: Record<string, number | null> = {
  eager: 0.2,
  compiled: 0.02,
  broken: null,
  rival: 0.01,
};

const OTHER_SIDE = `#!/usr/bin/env node
const forms = ${JSON.stringify(FORMS)};
const [, flag] = process.argv.slice(2);
if (flag === "--forms") {
  const quick = process.argv.at(-1) === "quick";
  const pytorch = quick ? ["eager"] : ["eager", "compiled", "broken"];
  console.log(JSON.stringify({ pytorch, others: quick ? [] : ["rival"] }));
} else {
  const seconds = forms[process.argv[8]];
  if (seconds === null) {
    console.error("no compiler");
    process.exit(1);
  }
  let compiling = process.argv[8] === "compiled" ? 5 : 0;
  console.log("ready");
  require("node:readline")
    .createInterface({ input: process.stdin })
    .on("line", (steps) => {
      console.log(compiling + seconds * Number(steps));
      compiling = 0;
    });
}
`;

describe("the bench", () => {
  const folder = temporaryFolder();
  const before = process.env.BENCH_PYTHON;
  after(() => {
    folder.remove();
    if (before === undefined) delete process.env.BENCH_PYTHON;
    else process.env.BENCH_PYTHON = before;
  });

  const plan: BenchPlan = {
    model: "custom_cnn",
    mode: "infer",
    precision: "float32",
    batch: 1,
    rounds: 3,
    seconds: 0.05,
    device: "cpu",
    compiledForms: true,
  };

  it("compares with PyTorch's fastest form, and says which did not run", async () => {
    const python = join(folder.path, "python");
    writeFileSync(python, OTHER_SIDE);
    chmodSync(python, 0o755);
    process.env.BENCH_PYTHON = python;
    const row = await measureRow(plan);
    assert.equal(row.torchForm, "compiled");
    assert.ok(Math.abs(row.torchImagesPerSecond - 50) < 1e-9);
    assert.ok(Math.abs(row.ratio - row.oursImagesPerSecond / 50) < 1e-9);
    assert.deepEqual(Object.keys(row.forms), ["eager", "compiled", "rival"]);
    assert.equal(row.rounds, 3);
    assert.match(row.failedForms.broken, /no compiler/);
    assert.match(benchTable([row]), /\| custom_cnn \| infer \| float32 \| 1 \|.*\| compiled \|/);
    const quick = await measureRow({ ...plan, compiledForms: false });
    assert.deepEqual(Object.keys(quick.forms), ["eager"]);
  });

  it("ends in time: one form and one round, said in the row", async () => {
    const hurried = { ...plan, precision: "bfloat16_products", budget: 1e-3 } as const;
    const row = await measureRow(hurried);
    assert.deepEqual(Object.keys(row.forms), ["eager"]);
    assert.match(row.failedForms.compiled, /not tried/);
    assert.match(benchTable([row]), /\| bfloat16_products \| 1 \|.*\| eager \| [\d.]+ \| 1 \|/);
  });

  it("refuses products in bfloat16 for training", async () => {
    const { code, error } = await tuningForkHere(
      "bench",
      "--precision",
      "bfloat16_products",
      "--mode",
      "train",
    );
    assert.equal(code, 1);
    assert.match(error, /for predictions/);
  });
});
