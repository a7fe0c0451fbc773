import { strict as assert } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../train/support";
import { type CellResult, openKernel, type TestCell, type TestKernel } from "./support";

describe("the TypeScript kernel", function () {
  this.timeout(120_000);
  let kernel: TestKernel;
  before(() => {
    kernel = openKernel();
  });
  after(() => kernel.close());

  describe("errors and output", () => {
    let cells: CellResult[];
    before(async () => {
      cells = await kernel.run(
        "for (let i = 0; i < 3000; i++) console.log(i);",
        'const size: number = "large";',
        'const { showTable } = require("#lib/notebook/tables");\n' +
          "showTable({ a: [1, 2], b: [1] });",
        'await Promise.resolve();\nthrow new RangeError("out of the field");',
        "console.log(1 + 1);",
      );
    });

    it("loses no line of three thousand", () => {
      const expected = Array.from({ length: 3000 }, (_, i) => `${i}\n`).join("");
      assert.equal(cells[0].stdout, expected);
    });

    it("reports a type error with its line and column", () => {
      assert.equal(cells[1].status, "error");
      assert.match(
        String(cells[1].error?.evalue),
        /^1:7 - Type 'string' is not assignable to type 'number'/,
      );
    });

    it("reports an error of the library: message, remedy, and the line of TypeScript", () => {
      assert.equal(cells[2].status, "error");
      const { ename, evalue, traceback } = cells[2].error ?? assert.fail("no error");
      assert.equal(ename, "UserError");
      assert.match(evalue, /differ in length \(a: 2, b: 1\)\n {2}→ give/);
      const text = traceback.join("\n");
      assert.match(text, /at showTable \(.*lib\/notebook\/tables\.ts:\d+:\d+\)/);
      assert.match(text, /at cell \d+, line 2$/);
      assert.doesNotMatch(text, /node_modules\/tslab|node:internal|lib\/dist/);
    });

    it("reports an error thrown after an await", () => {
      assert.equal(cells[3].status, "error");
      const { traceback = [] } = cells[3].error ?? {};
      assert.match(traceback.join("\n"), /^RangeError: out of the field\n {4}at cell \d+, line 2$/);
    });

    it("goes on after errors", () => {
      assert.deepEqual([cells[4].status, cells[4].stdout], ["ok", "2\n"]);
    });
  });

  it("takes the short form of an object literal with variables of earlier cells", async () => {
    const [, shown, renamed, wrong] = await kernel.run(
      "let a = 1; const b = 2;",
      "console.log(JSON.stringify({ a, b }));",
      "({ a } = { a: 3 }); const nest = () => [{ a }, { b, c: { a } }];\n" +
        "console.log(JSON.stringify(nest()));",
      "const x = { a, b }; const n: number = x;",
    );
    assert.equal(shown.stdout, '{"a":1,"b":2}\n', shown.stderr);
    assert.equal(renamed.stdout, '[{"a":3},{"b":2,"c":{"a":3}}]\n', renamed.stderr);
    assert.match(String(wrong.error?.evalue), /^1:27 - Type/); // columns are those of the cell as written
  });

  it("reads types that are newer than tslab's own compiler, and runs cells as loosely as ever", async () => {
    const [generic, sloppy] = await kernel.run(
      "const bytes: Uint8Array<ArrayBuffer> = new Uint8Array(2); bytes.length",
      "var { length: undeclared } = bytes; (function () { return this === globalThis; })()",
    );
    assert.equal(generic.result?.["text/plain"], "2", String(generic.error?.evalue));
    // Cells are no modules: as before, they run without `use strict`.
    assert.equal(sloppy.result?.["text/plain"], "true", String(sloppy.error?.evalue));
  });

  it("watches no files, so that a rebuilt library does not disturb a cell", async function () {
    if (process.platform !== "linux") this.skip();
    const [, cell] = await kernel.run(
      'import { showTable } from "tuning-fork";',
      'const { readdirSync, readlinkSync } = require("fs");\n' +
        "let watchers = 0;\n" +
        'for (const fd of readdirSync("/proc/self/fd")) {\n' +
        '  try { if (/inotify/.test(readlinkSync("/proc/self/fd/" + fd))) watchers++; } catch {}\n' +
        "}\nconsole.log(watchers);",
    );
    assert.equal(cell.stdout, "0\n", cell.stderr);
  });

  describe("interrupts", () => {
    const setUp =
      'const { untilInterrupted } = require("#lib/notebook/interrupt");\n' +
      "await Promise.resolve(); \n" +
      "const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));\n" +
      "let steps = 0; let saved = -1;";
    const stands =
      "const seen = steps; await pause(400);\n" +
      "console.log(JSON.stringify({ further: steps - seen, saved, steps }));";
    const loop = (body: string) =>
      "await untilInterrupted(async (signal: AbortSignal) => {\n" +
      "  for (;;) {\n" +
      '    await pause(50); steps++; console.log("step " + steps);\n' +
      `    ${body}\n` +
      "  }\n});";

    it("stop a loop that has awaited at its next step, and the kernel goes on", async () => {
      const [, interrupted, after] = await kernel.run(
        setUp,
        {
          code: loop(
            "if (signal.aborted) { await pause(300); saved = steps; throw signal.reason; }",
          ),
          interruptAfter: "step 3\n",
        },
        stands,
      );
      assert.equal(interrupted.status, "error");
      assert.deepEqual(
        [interrupted.error?.ename, interrupted.error?.evalue.split("\n")[0]],
        ["UserError", "interrupted"],
      );
      const facts = JSON.parse(after.stdout);
      // What the loop did after it had noticed, saving say, was done before the cell ended.
      assert.equal(facts.saved, facts.steps);
      assert.equal(facts.further, 0);
    });

    it("end a loop at the second one, if the work ignores the first", async () => {
      const [, interrupted, after] = await kernel.run(
        setUp,
        { code: loop("if (steps > 60) return;"), interruptAfter: "step 3\n", interrupts: 2 },
        stands,
      );
      assert.equal(interrupted.status, "error");
      assert.equal(interrupted.error?.ename, "KernelInterrupt");
      const facts = JSON.parse(after.stdout.slice(after.stdout.indexOf("{")));
      assert.equal(facts.further, 0); // it ended at its next await
    });

    const endless = (start: string, loop: string) => ({
      code: `${start}; console.log("go"); ${loop}`,
      interruptAfter: "go\n",
    });
    const loops: Record<string, TestCell> = {
      "a loop that never awaits": endless("n = 0", "for (;;) n++;"),
      "a loop that never awaits, after an await": endless("await pause(10)", "for (;;) n++;"),
      "two of them at once": endless(
        "const two = async () => { await pause(5); for (;;) n++; }",
        "await Promise.all([two(), two()]);",
      ),
      "a loop of awaits that are all settled": endless("n = 0", "for (;;) { await null; n++; }"),
      "for await": endless(
        "async function* ticks() { for (;;) { await pause(5); yield 1; } }",
        "for await (const one of ticks()) n += one;",
      ),
      "a wait for nothing": endless("n = 0", "await new Promise(() => {});"),
      findDuplicates: endless("n = 0", "for (;;) await findDuplicates(slow);"),
      "an export": endless("n = 0", "for (let i = 0; ; i++) await exportFolders(slow, out + i);"),
      predict: endless("n = 0", "for (;;) await predictor.predict(slow);"),
    };
    const folder = temporaryFolder();
    after(() => folder.remove());
    before(async () => {
      const [{ status, error }] = await kernel.run(
        "let n = 0; const pause = (ms: number) => new Promise<void>((r) => setTimeout(r, ms));\n" +
          'import { exportFolders, findDuplicates, openDataset } from "tuning-fork/data";\n' +
          'import { createModel } from "tuning-fork/models";\n' +
          'import { createTask } from "tuning-fork/tasks"; import { networkPredictor } from "tuning-fork/predict";\n' +
          'import { startEngine } from "tuning-fork/engine"; await startEngine();\n' +
          `const out = ${JSON.stringify(join(folder.path, "export"))};\n` +
          'const many = await openDataset("synthetic");\n' +
          "const read = async (rows: ArrayLike<number>) => {\n" +
          "  await pause(20); n++; return many.read(rows); };\n" +
          "const slow = { ...many, read };\n" +
          "const inputSize = many.imageSize; const numClasses = many.classNames.length;\n" +
          'const model = createModel("test_custom_cnn", { numClasses, inputSize });\n' +
          "const predictor = networkPredictor(model, createTask(many));",
      );
      assert.equal(status, "ok", error?.evalue);
    });
    for (const [name, cell] of Object.entries(loops))
      it(`end ${name}, and the next cell starts clean`, async () => {
        const [interrupted, after] = await kernel.run(
          cell,
          "const seen = n; await pause(100); console.log(n - seen);",
        );
        assert.deepEqual(
          [interrupted.status, interrupted.error?.ename],
          ["error", "KernelInterrupt"],
          interrupted.error?.evalue,
        );
        assert.deepEqual([after.stdout, after.stderr, after.late], ["0\n", "", ""]);
      });
  });

  it("shows the last expression as what it is", async () => {
    const [, figure, own, table, frame, tensor, picture, text] = await kernel.run(
      'import * as tf from "@tensorflow/tfjs-core"; import { DataFrame } from "danfojs-node";\n' +
        'import { showTable, trainingCurves, variables } from "tuning-fork";',
      "trainingCurves({ epoch: [1, 2], trainLoss: [2, 1] })",
      '({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>M 31</b>" }) })',
      '({ id: ["a", "b"], size: new Float32Array([1.5, 2]) })',
      'const frame = new DataFrame({ id: ["a", "b"], size: [1.5, 2] }); showTable(frame); frame',
      "const t = tf.tensor2d([[1, 2.5], [3, 4]]); t",
      "new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2])",
      '"galaxy"',
    );
    assert.ok(figure.result && "application/vnd.plotly.v1+json" in figure.result, figure.stderr);
    assert.equal(own.result?.["text/html"], "<b>M 31</b>");
    const rows = "id   size\na   1.500\nb   2.000";
    assert.equal(table.result?.["text/plain"], rows);
    assert.equal(frame.result?.["text/plain"], rows, frame.error?.evalue);
    assert.equal(frame.displays[0].data["text/plain"], rows);
    assert.equal(tensor.result?.["text/plain"], "Tensor float32 [2, 2]: 1, 2.500, 3, 4");
    assert.equal(picture.result?.["image/png"], "iVBORwEC");
    assert.deepEqual(text.result, { "text/plain": "'galaxy'" });

    const [variables] = await kernel.run("variables()");
    const shown = String(variables.displays[0]?.data["text/plain"]);
    assert.match(shown, /^t +Tensor float32 +2 × 2 +16$/m);
    assert.match(shown, /^frame +DataFrame +2 × 2 +–$/m);
    assert.doesNotMatch(shown, /^(tf|showTable|trainingCurves)\b/m);
  });

  it("gives output of work that nobody awaits to the cell that began it", async () => {
    const [, later] = await kernel.run(
      'setTimeout(() => console.log("from before"), 300); 0',
      "await new Promise((r) => setTimeout(r, 600));",
    );
    assert.deepEqual([later.stdout, later.late], ["", "from before\n"]);
  });

  it("says what to do where the cells above were not run", async () => {
    const [late, typo] = await kernel.run(
      "const scores = await evaluateIt(network);\nshowIt(scores); showIt(network);",
      "const n: number = 'three';",
    );
    const [last] = String(late.error?.evalue).split("\n").slice(-1);
    assert.match(last, /→ not known yet: evaluateIt, network, showIt\. Run the cells that make/);
    assert.doesNotMatch(String(typo.error?.evalue), /→/);
  });

  it("knows no test framework, and documents a call whose bracket is open", async () => {
    const [, framework] = await kernel.run("let open = 1;", "describe; it;");
    assert.match(String(framework.error?.evalue), /Cannot find name 'describe'/);
    for (const code of ["Math.max(|", "Math.max(1, (2), |", "Math.m|ax(1)"]) {
      const { found, data } = await kernel.ask("inspect", code);
      assert.ok(found, code);
      assert.match(String((data as Record<string, unknown>)["text/plain"]), /Math\.max\(/);
    }
  });

  it("says of a variable what it holds, its shape and its bytes", async () => {
    const [cell] = await kernel.run(
      'import "tuning-fork/notebook";\nconst radii = new Float32Array([1.5, 2.5, 4]);\n' +
        'const named = { radii }; let text = "arm"; const f = (x: number) => x;',
    );
    assert.equal(cell.status, "ok", cell.stderr);
    const said = async (code: string) => {
      const { data } = await kernel.ask("inspect", code);
      return String((data as Record<string, unknown>)["text/plain"]);
    };
    const radii = await said("rad|ii.length");
    assert.match(radii, /const radii: Float32Array/);
    assert.match(radii, /Float32Array\(3\) \[ 1\.5, 2\.5, 4 \]\n\nshape 3, 12 bytes$/);
    assert.match(await said("text|"), /let text: string\n\n'arm'\n\nshape 3, 3 bytes$/);
    // A member of something else is not the variable of its name, and functions have no value to show.
    assert.doesNotMatch(await said("named.rad|ii"), /bytes/);
    assert.doesNotMatch(await said("f|(1)"), /Function/);
  });

  it("closes a comm that nobody here answers", async () => {
    const [closed, ...others] = await kernel.comm("jupyter.widget");
    assert.equal(closed?.type, "comm_close");
    assert.deepEqual(others, []);
  });

  it("asks the person where there is one, until they know what to do or interrupt", async () => {
    const folder = temporaryFolder();
    const [, asked, interrupted, unasked] = await kernel.run(
      'import { askIfExists } from "tuning-fork/notebook"; import { RunFolder } from "tuning-fork";\n' +
        `const run = new RunFolder(${JSON.stringify(folder.path)});\n` +
        'Object.defineProperty(run, "status", { value: "finished" });\n' +
        'const ask = async () => { console.log("asking"); return askIfExists({ run }, "ask"); };',
      { code: "await ask()", answers: ["what?", " Skip"] },
      { code: "await ask()", answers: [], interruptAfter: "asking" },
      "await ask()",
    );
    folder.remove();
    const question = `${folder.path} holds a run. [r]esume, restart, or [s]kip? `;
    assert.equal(asked.result?.["text/plain"], "'skip'", asked.error?.evalue);
    assert.deepEqual(asked.asked, [question, question]);
    assert.equal(interrupted.status, "error");
    assert.match(String(interrupted.error?.evalue), /^interrupted/);
    assert.equal(unasked.result?.["text/plain"], "'auto'", unasked.error?.evalue);
  });

  it("says when a package that it uses was built anew, once", async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, "main.js");
    writeFileSync(join(folder.path, "package.json"), '{ "name": "my-galaxies" }');
    writeFileSync(path, "exports.one = 1;");
    const [first] = await kernel.run(`require(${JSON.stringify(path)}).one`);
    writeFileSync(path, "exports.one = 2;");
    const [second, third] = await kernel.run("1", "2");
    folder.remove();
    assert.equal(first.stderr, "");
    assert.equal(second.stderr, "my-galaxies has changed: restart the kernel to use it\n");
    assert.equal(third.stderr, "");
  });

  it("shows progress in one place, at most five times a second, and figures in place", async () => {
    const [cell] = await kernel.run(
      'const { progress } = require("#lib/notebook/progress");\n' +
        'const { liveFigure } = require("#lib/notebook/figures");\n' +
        "const started = performance.now();\n" +
        'const bar = progress(2000, "epoch 1"); const curve = liveFigure();\n' +
        "for (let i = 1; i <= 1000; i++) {\n" +
        "  await new Promise((resolve) => setTimeout(resolve, 1));\n" +
        "  bar.update(2 * i, { loss: 1 / i });\n" +
        '  curve.update({ data: [{ type: "scatter", y: new Float32Array([i, NaN]) }], layout: {} });\n' +
        "}\nbar.finish(); curve.finish(); console.log(performance.now() - started);",
    );
    assert.equal(cell.status, "ok", cell.stderr);
    const bars = cell.displays.filter(({ data }) => /^epoch/.test(String(data["text/plain"])));
    const curves = cell.displays.filter(({ data }) => "application/vnd.plotly.v1+json" in data);
    assert.equal(new Set(bars.map(({ id }) => id)).size, 1);
    assert.deepEqual(bars.map(({ update }) => update).indexOf(true), 1);
    const seconds = Number(cell.stdout) / 1000;
    const calm = bars.length <= 5 * seconds + 2 && curves.length <= 2 * seconds + 2;
    assert.ok(bars.length > 3 && calm, `${bars.length}, ${curves.length} in ${seconds} s`);
    assert.match(
      String(bars[bars.length - 1].data["text/plain"]),
      /^epoch 1 100 % .* loss 0\.00100/,
    );
    assert.equal(new Set(curves.map(({ id }) => id)).size, 1);
    const last = curves[curves.length - 1].data["application/vnd.plotly.v1+json"];
    assert.deepEqual((last as { data: { y: unknown }[] }).data[0].y, [1000, null]);
  });
});
