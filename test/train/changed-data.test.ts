import assert from "node:assert/strict";
import { copyFileSync, cpSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { experimentFolder } from "./experiment-folder";
import { writeClasses } from "./support";

describe("an experiment whose data changed", function () {
  this.timeout(120_000);
  const { at, warnings, open, contentOf, losses, interrupt } = experimentFolder();

  it("goes on with the split that it began with, and says which galaxies came since", async () => {
    const whole = open([], "whole");
    await whole.train();
    const { predictions } = await whole.evaluate();

    const stopped = open();
    await interrupt(stopped, 5);
    await stopped.dispose();
    await writeClasses(at("images"), { faint: 23, bright: 30 });
    const resumed = open();
    await resumed.train();
    assert.deepEqual((await resumed.evaluate()).predictions, predictions);
    assert.match(warnings.join("\n"), /^3 galaxies \(.*faint-20.*\) came to .*not used; restart/);
    assert.deepEqual((await resumed.data()).dataset.size, 53);

    await resumed.train({ ifExists: "restart" });
    const { train, val, test } = await resumed.data();
    assert.equal(train.length + val.length + test.length, 53);
  });

  it("goes on with the same data however their path is written, and is then finished", async () => {
    const first = open();
    await interrupt(first, 5);
    await first.dispose();
    const link = at("link");
    symlinkSync(at("images"), link);
    for (const spec of [`${at("images")}/`, relative(process.cwd(), at("images")), link]) {
      assert.equal(open([`data.spec=${spec}`]).state().state, "interrupted", spec);
    }
    const steps = await losses(open([`data.spec=${link}`]));
    assert.equal(steps.length, 3, "of eight, five were done");
    await open().evaluate();
    assert.equal(open([`data.spec=${link}`]).state().state, "finished");
    cpSync(at("images"), at("copy"), { recursive: true });
    assert.equal(open([`data.spec=${at("copy")}`]).state().state, "changed");
  });

  it("refuses to go on without galaxies that it learned from", async () => {
    await interrupt(open(), 5);
    renameSync(join(at("images"), "faint", "faint-3.png"), at("away.png"));
    const before = contentOf();
    await assert.rejects(open().train(), /1 galaxy \(.*faint-3.*\) of .*split.csv is no longer/);
    assert.deepEqual(contentOf(), before);
    renameSync(at("away.png"), join(at("images"), "faint", "faint-3.png"));
    await open().train();
  });

  it("refuses other labels under the same names, and tells of other pictures", async () => {
    const table = at("catalog.csv");
    const write = (labelOf = (name: string) => name) => {
      const rows = ["faint", "bright"].flatMap((name) =>
        Array.from({ length: 20 }, (_, i) => {
          const id = `${name}-${i}`;
          return `${id},${join(at("images"), name, `${id}.png`)},${labelOf(id).split("-")[0]}`;
        }),
      );
      writeFileSync(table, `id,path,label\n${rows.join("\n")}\n`);
    };
    const openTable = () => open([`data.spec=${table}`]);
    write();
    await interrupt(openTable(), 5);
    const before = contentOf();
    write((id) => (id === "faint-3" ? "bright" : id));
    await assert.rejects(openTable().train(), /1 galaxy \(faint-3\).* has another label/);
    assert.deepEqual(contentOf(), before);
    write();
    // Of forty rows every one is looked at.
    copyFileSync(
      join(at("images"), "bright", "bright-2.png"),
      join(at("images"), "faint", "faint-5.png"),
    );
    await openTable().train();
    assert.match(warnings.join("\n"), /1 galaxy \(faint-5\).*of 40.*shows another picture/);
    warnings.length = 0;
    await openTable().train({ ifExists: "restart" });
    await openTable().data();
    assert.doesNotMatch(warnings.join("\n"), /other picture|another picture/);
  });
});
