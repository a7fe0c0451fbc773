import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CellResult, ROOT, runInKernel } from "../notebook/support";

interface Chapter {
  readonly title: string;
  readonly cells: string[];
}

/** A notebook's code cells under its headings of the second rank. */
function chaptersOf(name: string): Chapter[] {
  const { cells } = JSON.parse(readFileSync(join(ROOT, "notebooks", `${name}.ipynb`), "utf8"));
  const chapters: Chapter[] = [];
  for (const { cell_type, source } of cells as { cell_type: string; source: string[] }[]) {
    const text = source.join("");
    const [, title] = /^## (.*)$/m.exec(text) ?? [];
    if (cell_type === "code") chapters.at(-1)?.cells.push(text);
    else if (title !== undefined) chapters.push({ title, cells: [] });
  }
  return chapters;
}

/** What a cell leaves to read: no bars of progress, and figures as they were drawn last. */
function shownBy({ stdout, displays }: CellResult, withSeconds: boolean): unknown[] {
  const figure = "application/vnd.plotly.v1+json";
  const last = new Map(displays.map((display, i) => [display.id ?? `once ${i}`, display.data]));
  const kept = [...last.values()]
    .filter((data) => figure in data || !/^\w+ \d+ % · /.test(String(data["text/plain"])))
    .map((data) => data[figure] ?? data["text/plain"]);
  // A table with a column of seconds is another one each time that something is trained.
  const timeless = kept.filter((one) => !/\bseconds\b/.test(String(one)));
  return withSeconds ? [stdout, ...kept] : [stdout.replace(/\d+ s of training/, ""), ...timeless];
}

describe("a notebook's cells", function () {
  this.timeout(30 * 60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "rerun-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = async (cells: readonly string[], results: string) => {
    const outcome = await runInKernel(cells, {
      TUNING_FORK_PROFILE: "test",
      TUNING_FORK_RESULTS: join(folder, results),
    });
    for (const [i, { status, stderr }] of outcome.entries()) {
      assert.equal(status, "ok", `${cells[i]}\n${stderr}`);
    }
    return outcome;
  };

  for (const name of ["00-quickstart", "03-ablation"]) {
    it(`of ${name} give the same when they are run again, one by one`, async () => {
      const cells = chaptersOf(name).flatMap((chapter) => chapter.cells);
      const twice = await run([...cells, ...cells, ...[...cells].reverse()], name);
      const [first, second, third] = [0, 1, 2].map((i) =>
        twice.slice(i * cells.length, (i + 1) * cells.length),
      );
      third.reverse();
      for (const [i, cell] of cells.entries()) {
        // The ablation says what it finds: what was new is finished the second time.
        if (!cell.includes("await ablate")) {
          assert.deepEqual(shownBy(second[i], true), shownBy(first[i], true), cell);
        }
        assert.deepEqual(shownBy(third[i], true), shownBy(second[i], true), cell);
      }
    });
  }

  it("of 02-train-and-evaluate give the same in another order, a chapter without the others", async () => {
    const chapters = chaptersOf("02-train-and-evaluate");
    const [settings, ...others] = chapters;
    const networks = others.filter(({ cells }) => cells.length === 4).slice(1, 4);
    const comparison = others.filter(({ title }) => /^(Comparison|Files)/.test(title));
    assert.deepEqual([networks.length, comparison.length], [3, 2]);
    const order = (some: readonly Chapter[]) => [settings, ...some, ...comparison];
    const forwards = order(networks);
    const backwards = order([...networks].reverse());
    const shown = async (some: readonly Chapter[], results: string) => {
      const outcome = await run(
        some.flatMap(({ cells }) => cells),
        results,
      );
      const entries = some.flatMap(({ cells }) => cells);
      return new Map(entries.map((cell, i) => [cell, outcome[i]]));
    };
    const one = await shown(forwards, "forwards");
    const two = await shown(backwards, "backwards");
    for (const [cell, result] of one) {
      const other = two.get(cell);
      assert.ok(other);
      if (cell.startsWith("const tables")) continue; // names the folders
      assert.deepEqual(shownBy(other, false), shownBy(result, false), cell);
    }
  });
});
