import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { embeddingScatter } from "#lib/plots/embedding-scatter";
import { exampleEmbedding } from "#lib/plots/examples";
import { type ExportOptions, exportFigures, fontsOf } from "#lib/plots/export-figures";
import type { Figure } from "#lib/plots/figure";
import { type JournalName, journalRegistry } from "#lib/plots/journals";
import type { PreflightCheck } from "#lib/plots/preflight";
import { figureRegistry } from "#lib/plots/registry";

describe("preflight", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "preflight-"));
  after(() => rmSync(folder, { recursive: true }));

  async function look(
    figures: Record<string, Figure>,
    options: ExportOptions = {},
  ): Promise<Record<string, Record<string, PreflightCheck>>> {
    const found: Record<string, Record<string, PreflightCheck>> = {};
    const paths = Object.entries(figures).map(([name, figure]) => [join(folder, name), figure]);
    await exportFigures(Object.fromEntries(paths), {
      formats: ["svg"],
      ...options,
      preflight: ({ path, checks }) => {
        found[path.slice(folder.length + 1)] = Object.fromEntries(
          checks.map((one) => [one.check, one]),
        );
      },
    });
    return found;
  }
  const failed = (checks: Record<string, PreflightCheck>) =>
    Object.values(checks).flatMap(({ check, passed }) => (passed ? [] : [check]));

  it("lets every figure's size, lettering, lines and fonts pass", async () => {
    const figures: Record<string, Figure> = {};
    for (const [name, draw] of Object.entries(figureRegistry)) figures[name] = await draw({});
    for (const [name, checks] of Object.entries(await look(figures))) {
      const colors = new Set(["grays", "width"]);
      assert.deepEqual(
        failed(checks).filter((check) => !colors.has(check)),
        [],
        `${name}: ${JSON.stringify(Object.values(checks).filter(({ passed }) => !passed))}`,
      );
    }
  });

  it("names what is too small, too thin, of another font, alike, too wide or too high", async () => {
    const line = (name: string, color: string) => ({ name, x: [0, 1], y: [0, 1], line: { color } });
    const bad: Figure = {
      data: [
        { ...line("faint", "#c85a3c"), line: { color: "#c85a3c", width: 0.1 } },
        line("arms", "#c85b3d"),
        { ...line("dashed", "#c85a3c"), line: { color: "#c85a3c", dash: "dot" } },
      ],
      layout: {
        ...(await figureRegistry["training-curves"]({})).layout,
        height: 1500,
        xaxis: { title: { text: "a → b", font: { size: 5 } } },
      },
    };
    const { bad: checks } = await look({ bad }, { widthMm: 100 });
    assert.deepEqual(failed(checks), [
      ...["width", "height", "lettering", "lines", "fonts", "colors", "grays"],
    ]);
    assert.match(checks.lettering.found, /^2\.9 pt \("a → b"\)$/);
    assert.match(checks.lines.found, /^0\.06 pt$/);
    assert.match(checks.fonts.remedy, /"→"/);
    assert.equal(checks.colors.found, "faint / arms (usual, protanopia, deuteranopia, tritanopia)");
    for (const { remedy } of Object.values(checks)) assert.ok(remedy.length > 20);
  });

  it("makes figures as wide as the journal's column or page", async () => {
    const column = await figureRegistry["confusion-matrix"]({});
    const page = await figureRegistry["confusion-matrices"]({});
    for (const journal of Object.keys(journalRegistry) as JournalName[]) {
      const { columnMm, pageMm } = journalRegistry[journal];
      const found = await look({ column, page }, { journal });
      assert.equal(found.column.width.found, `${columnMm} mm`);
      assert.equal(found.page.width.found, `${pageMm} mm`);
      assert.ok(found.column.width.passed && found.page.width.passed);
    }
    const refused = exportFigures({}, { journal: "science" as JournalName });
    await assert.rejects(refused, /"science" is no journal.*[\s\S]*apj, mnras, aa, nature/);
  });
});

describe("thousands of points", () => {
  const folder = mkdtempSync(join(tmpdir(), "points-"));
  after(() => rmSync(folder, { recursive: true }));

  it("become one picture in the PDF, of the same look, and a few stay vectors", async function () {
    this.timeout(60_000);
    const few = exampleEmbedding();
    const times = <T>(values: ArrayLike<T>) =>
      Array.from({ length: 5 }, () => [...Array.from(values)]).flat();
    const many = {
      ...few,
      x: times(few.x),
      y: times(few.y),
      labels: times(few.labels),
      ids: times(few.ids),
    };
    const drawn = { few: embeddingScatter(few), many: embeddingScatter(many) };
    const paths = Object.entries(drawn).map(([name, figure]) => [join(folder, name), figure]);
    await exportFigures(Object.fromEntries(paths), { dpi: 150 });
    const svg = (name: string) => readFileSync(join(folder, `${name}.svg`), "utf8");
    const points = (name: string) => svg(name).match(/class="point"/g)?.length ?? 0;
    const pictures = (name: string) => svg(name).match(/<image /g)?.length ?? 0;
    assert.deepEqual([points("few"), pictures("few")], [800, 0]);
    assert.deepEqual([points("many"), pictures("many")], [0, 1]);
    const pdf = readFileSync(join(folder, "many.pdf"));
    assert.match(pdf.toString("latin1"), /\/Subtype ?\/Image/);
    assert.ok(fontsOf(pdf).every(({ name, embedded }) => embedded && /SourceSans3/.test(name)));
    // The same points five times over: darker where they are thin, elsewhere and in place the same.
    const pixels = async (name: string) =>
      (await sharp(join(folder, `${name}.png`))
        .resize({ width: 200 })
        .grayscale()
        .raw()
        .toBuffer()) as Buffer;
    const [a, b] = [await pixels("few"), await pixels("many")];
    const differ = a.filter((value, i) => Math.abs(value - b[i]) > 60).length;
    assert.ok(differ < 0.01 * a.length, `${differ} of ${a.length} pixels differ`);
  });
});
