import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, inflateSync } from "node:zlib";
import sharp from "sharp";
import { openBrowser } from "#lib/plots/browser";
import { exportFigures } from "#lib/plots/export-figures";
import type { Figure } from "#lib/plots/figure";
import { figureRegistry } from "#lib/plots/registry";
import { digest, overlaps, TEXT_BOXES, updating } from "./support";

const fixtures = join(__dirname, "../fixtures/plots");
const names = Object.keys(figureRegistry);

describe("figures", () => {
  const folder = mkdtempSync(join(tmpdir(), "figures-"));
  const figures = new Map<string, Figure>();
  const figure = (name: string): Figure => {
    const found = figures.get(name);
    assert.ok(found, name);
    return found;
  };

  before(async function () {
    this.timeout(180_000);
    for (const name of names) figures.set(name, await figureRegistry[name]({}));
    const byPath = Object.fromEntries(names.map((name) => [join(folder, name), figure(name)]));
    const start = performance.now();
    const written = await exportFigures(byPath);
    const seconds = (performance.now() - start) / 1000;
    console.log(`    ${written.length} files in ${seconds.toFixed(1)} s`);
    assert.equal(written.length, 3 * names.length);
    if (updating) mkdirSync(fixtures, { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const name of names) {
    describe(name, () => {
      it("has the stored spec", () => {
        const file = join(fixtures, `${name}.json`);
        const spec = digest(figure(name));
        if (updating) writeFileSync(file, `${JSON.stringify(spec, null, 1)}\n`);
        assert.deepEqual(spec, JSON.parse(readFileSync(file, "utf8")));
      });

      it("is plain JSON", () => {
        const { data, layout } = figure(name);
        assert.deepEqual(JSON.parse(JSON.stringify(data)), defined(data));
        assert.deepEqual(JSON.parse(JSON.stringify(layout)), defined(layout));
      });

      it("looks like the stored picture", async () => {
        const { default: pixelmatch } = await import("pixelmatch");
        const file = join(fixtures, `${name}.png`);
        const width = 400;
        const small = await sharp(join(folder, `${name}.png`))
          .resize({ width })
          .png()
          .toBuffer();
        if (updating) writeFileSync(file, await sharp(small).png({ palette: true }).toBuffer());
        const raw = (image: Buffer | string) =>
          sharp(image).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
        const [actual, stored] = [await raw(small), await raw(file)];
        assert.equal(actual.info.height, stored.info.height);
        const { height } = actual.info;
        const different = pixelmatch(actual.data, stored.data, undefined, width, height, {
          threshold: 0.15,
        });
        assert.ok(different < 0.005 * width * height, `${different} pixels differ`);
      });

      it("is a PDF page of its size with text as text and vectors", async () => {
        const { extractText, getDocumentProxy } = await import("unpdf");
        const bytes = readFileSync(join(folder, `${name}.pdf`));
        const pdf = await getDocumentProxy(new Uint8Array(bytes));
        assert.equal(pdf.numPages, 1);
        const [left, bottom, right, top] = (await pdf.getPage(1)).view;
        const { width, height } = figure(name).layout as { width: number; height: number };
        const mm = (points: number) => (points / 72) * 25.4;
        const widthMm = Math.round(mm(right - left));
        assert.ok(Math.abs(mm(right - left) - widthMm) < 0.05, `${mm(right - left)} mm`);
        assert.ok(Math.abs(mm(top - bottom) / mm(right - left) - height / width) < 0.001);
        const { text } = await extractText(pdf, { mergePages: true });
        const expected = labels(figure(name));
        const squeezed = text.replace(/\s/g, "");
        for (const label of expected)
          assert.ok(squeezed.includes(label), `no "${label}" in ${text}`);
        const raw = bytes.toString("latin1");
        for (const [font] of raw.matchAll(/\/BaseFont ?\/\S+/g)) assert.match(font, /SourceSans3/);
        assert.match(raw, /\/FontFile/);
        assert.ok(pathsIn(bytes) > 2, "no vectors");
        for (const [date] of raw.matchAll(/D:\d{14}/g)) assert.equal(date, "D:20000101000000");
      });

      it("is an SVG with its fonts inside and nothing outside", () => {
        const svg = readFileSync(join(folder, `${name}.svg`), "utf8");
        assert.match(svg, /^<svg [^>]*width="[\d.]+mm" height="[\d.]+mm" viewBox="0 0 /);
        assert.match(svg, /@font-face/);
        for (const label of labels(figure(name))) {
          const texts = [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/gs)].map(([, t]) =>
            t.replace(/<[^>]*>|\s/g, ""),
          );
          assert.ok(
            texts.some((t) => t.includes(label)),
            `no "${label}"`,
          );
        }
        const links = svg.match(
          /(?:href|src)="(?!data:|#)[^"]*"|url\((?!data:|['"]?#|&quot;#)[^)]*\)/g,
        );
        assert.equal(links, null);
      });
    });
  }

  it("know their size on paper", async () => {
    const { width, density, format } = await sharp(join(folder, "confusion-matrix.png")).metadata();
    assert.deepEqual({ width, density, format }, { width: 1039, density: 300, format: "png" });
  });

  it("come out with the same bytes in another browser", async function () {
    this.timeout(120_000);
    const some = ["confusion-matrices", "training-curves", "confused-pairs", "hex-bins"];
    const again = mkdtempSync(join(tmpdir(), "figures-"));
    try {
      const drawn: Record<string, Figure> = {};
      for (const name of some) drawn[join(again, name)] = await figureRegistry[name]({});
      for (const file of await exportFigures(drawn)) {
        const first = readFileSync(file.replace(again, folder));
        assert.ok(first.equals(readFileSync(file)), file);
      }
    } finally {
      rmSync(again, { recursive: true });
    }
  });

  it("have no label over another or cut off, in either theme", async function () {
    this.timeout(120_000);
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      const inDark: Record<string, Figure> = {};
      for (const name of names)
        inDark[join(folder, `${name}-dark`)] = await figureRegistry[name]({ theme: "dark" });
      await exportFigures(inDark, { formats: ["svg"] });
      const problems: string[] = [];
      for (const file of names.flatMap((name) => [name, `${name}-dark`])) {
        const svg = readFileSync(join(folder, `${file}.svg`), "utf8");
        await page.setContent(`<!doctype html><body style="margin:0">${svg}`);
        await page.evaluate("document.fonts.ready.then(() => true)");
        type Boxes = Parameters<typeof overlaps>[0];
        const boxes = await page.evaluate<Boxes>(TEXT_BOXES);
        const sheet = await page.evaluate<Boxes[number]>(
          "document.querySelector('svg').getBoundingClientRect().toJSON()",
        );
        assert.ok(boxes.length > 0, file);
        problems.push(...overlaps(boxes).map((pair) => `${file}: ${pair} overlap`));
        for (const { text, left, right, top, bottom } of boxes)
          if (left < -0.5 || top < -0.5 || right > sheet.right + 0.5 || bottom > sheet.bottom + 0.5)
            problems.push(`${file}: "${text}" is cut off`);
      }
      assert.deepEqual(problems, []);
    } finally {
      await browser.close();
    }
  });
});

/** A value without the keys that are undefined, which JSON leaves out. */
function defined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(defined);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, defined(item)]));
}

/** How many rectangles, lines and curves the streams of a PDF draw. */
function pathsIn(pdf: Buffer): number {
  let paths = 0;
  for (const match of pdf.toString("latin1").matchAll(/\/FlateDecode[\s\S]*?stream\r?\n/g)) {
    const stream = pdf.subarray(match.index + match[0].length);
    const text = inflateSync(stream, { finishFlush: constants.Z_SYNC_FLUSH }).toString("latin1");
    if (/\bBT\b/.test(text)) paths += text.match(/ (?:re|l|c)\n/g)?.length ?? 0;
  }
  return paths;
}

/** Texts that must be found in a file: titles of axes, names of ticks. */
function labels({ layout }: Figure): string[] {
  return Object.entries(layout)
    .filter(([key]) => /^[xy]axis/.test(key))
    .flatMap(([, value]) => {
      const axis = value as { title?: { text: string }; ticktext?: string[] };
      return [axis.title?.text ?? "", ...(axis.ticktext ?? [])];
    })
    .flatMap((text) => text.split("<br>"))
    .map((text) => text.replace(/<[^>]*>|\s/g, ""))
    .filter((text) => text !== "");
}
