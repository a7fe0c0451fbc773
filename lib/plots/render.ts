import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { openBrowser } from "./browser";
import type { Figure } from "./figure";
import { IN_PAGE } from "./in-page";

const FONT = "Source Sans 3";

// Latin in two weights is always there; the others only where a text needs them.
const FACES = [
  {
    subset: "latin",
    weight: 400,
    range: "U+0-FF,U+131,U+152-153,U+2C6,U+2DC,U+2000-206F,U+20AC,U+2122,U+2212",
  },
  {
    subset: "latin",
    weight: 700,
    range: "U+0-FF,U+131,U+152-153,U+2C6,U+2DC,U+2000-206F,U+20AC,U+2122,U+2212",
  },
  {
    subset: "latin-ext",
    weight: 400,
    range: "U+100-130,U+132-151,U+154-2BA,U+1E00-1E9F",
    needed: /[\u0100-\u0130\u0132-\u0151\u0154-\u02ba\u1e00-\u1e9f]/,
  },
  {
    subset: "greek",
    weight: 400,
    range: "U+370-377,U+37A-37F,U+384-38A,U+38C,U+38E-3A1,U+3A3-3FF",
    needed: /[\u0370-\u03ff]/,
  },
] as const;

/** Letters of a text that none of the font's files has. */
export function lettersWithoutFont(text: string): string[] {
  const ranges = FACES.flatMap(({ range }) => range.split(",")).map((range) => {
    const [from, to = from] = range.slice(2).split("-");
    return [Number.parseInt(from, 16), Number.parseInt(to, 16)];
  });
  return [...new Set(text)].filter((letter) => {
    const code = letter.codePointAt(0) ?? 0;
    return !ranges.some(([from, to]) => code >= from && code <= to);
  });
}

/** The `@font-face` rules, font files included, for what a text contains. */
export function fontFaces(text?: string): string {
  const folder = join(require.resolve("@fontsource/source-sans-3/package.json"), "../files");
  return FACES.filter((face) => text === undefined || !("needed" in face) || face.needed.test(text))
    .map(({ subset, weight, range }) => {
      const file = join(folder, `source-sans-3-${subset}-${weight}-normal.woff2`);
      const data = readFileSync(file).toString("base64");
      return `@font-face{font-family:"${FONT}";font-weight:${weight};src:url(data:font/woff2;base64,${data}) format("woff2");unicode-range:${range}}`;
    })
    .join("");
}

/** Dots an inch of many points, which are drawn as one picture. */
const RASTER_DPI = 600;

/** The smallest lettering and the thinnest line of a drawn figure, in its own pixels. */
export interface DrawnExtremes {
  /** Size of the smallest text, pixels. Default: there is no text. */
  readonly textSize?: number;
  /** That text. */
  readonly text?: string;
  /** Width of the thinnest line, pixels. Default: there is none. */
  readonly lineWidth?: number;
  /** All letters of the figure. */
  readonly letters: string;
}

/** Draws figures in one browser; {@link Renderer.close} it when done. */
export class Renderer {
  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
    private readonly sheet: Page,
  ) {}

  /** @throws UserError where no browser is found or it does not start. */
  static async open(): Promise<Renderer> {
    const browser = await openBrowser();
    try {
      const [page, sheet] = [await browser.newPage(), await browser.newPage()];
      await page.setContent(`<!doctype html><meta charset="utf-8"><style>${fontFaces()}</style>`);
      await page.addScriptTag({ path: require.resolve("plotly.js-dist-min") });
      await page.addScriptTag({ content: IN_PAGE });
      await page.evaluate(
        `Promise.all(["400","700"].flatMap((w) => ["a","α","ő"].map((t) => document.fonts.load(w + " 12px '${FONT}'", t))))`,
      );
      return new Renderer(browser, page, sheet);
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** A figure at its own size as an SVG of that width on paper, text as text, fonts inside. */
  async svg(figure: Figure, widthMm: number): Promise<string> {
    const { width, height } = figure.layout as { width: number; height: number };
    const dotsPerPixel = ((widthMm / 25.4) * RASTER_DPI) / width;
    const { layout } = figure;
    const drawn = await this.page.evaluate<string>(
      `tuningForkSvg(${JSON.stringify({ data: withoutHover(figure.data), layout, dotsPerPixel })})`,
    );
    const heightMm = (widthMm * height) / width;
    const style = `<defs><style>${fontFaces(drawn)}</style></defs>`;
    return drawn.replace(
      /^<svg ([^>]*)>/,
      (_, attributes: string) =>
        `<svg ${attributes
          .replace(/(^| )(width|height|viewBox)="[^"]*"/g, "")
          .trim()} width="${mm(widthMm)}" height="${mm(heightMm)}" viewBox="0 0 ${width} ${height}">${style}`,
    );
  }

  /** Dots of an SVG drawn at that size, as a PNG without metadata. */
  async png(svg: string, width: number, height: number): Promise<Buffer> {
    const argument = JSON.stringify({ svg, width, height });
    return Buffer.from(await this.page.evaluate<string>(`tuningForkPng(${argument})`), "base64");
  }

  /** What the smallest letter and the thinnest line of an SVG are. */
  async measure(svg: string): Promise<DrawnExtremes> {
    return this.page.evaluate<DrawnExtremes>(`tuningForkMeasure(${JSON.stringify(svg)})`);
  }

  /** An SVG as a PDF page of exactly its size; dates fixed. */
  async pdf(svg: string, widthMm: number, heightMm: number, title: string): Promise<Buffer> {
    const [width, height] = [mm(widthMm), mm(heightMm)];
    await this.sheet.setContent(
      `<!doctype html><meta charset="utf-8"><title>${title.replace(/[<&]/g, "")}</title>` +
        `<style>@page{size:${width} ${height};margin:0}body{margin:0}svg{display:block}</style>${svg}`,
    );
    await this.sheet.evaluate("document.fonts.ready.then(() => true)");
    const bytes = await this.sheet.pdf({
      width,
      height,
      printBackground: true,
      pageRanges: "1",
      tagged: false,
    });
    // The dates are of fixed length, so that the file's table of offsets stays true.
    const fixed = bytes
      .toString("latin1")
      .replace(/\/(CreationDate|ModDate) \(D:\d{14}/g, "/$1 (D:20000101000000");
    return Buffer.from(trimPage(fixed, (widthMm / 25.4) * 72, (heightMm / 25.4) * 72), "latin1");
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** Invisible points, which only carry hover, are left out where something else keeps their axes. */
function withoutHover(data: Figure["data"]): object[] {
  const traces = data as readonly { xaxis?: string; marker?: { opacity?: number } }[];
  const visible = traces.filter((trace) => trace.marker?.opacity !== 0);
  const axes = new Set(visible.map((trace) => trace.xaxis));
  return traces.filter((trace) => trace.marker?.opacity !== 0 || !axes.has(trace.xaxis));
}

/**
 * Chromium rounds a page up to whole pixels: cut the rest off, keeping the upper left corner. What the
 * longer numbers need is taken from the obsolete list of procedure sets in the same object, so that
 * the file's table of offsets stays true.
 */
function trimPage(pdf: string, width: number, height: number): string {
  const page =
    /(\/Type \/Page\s\/Resources <<)\/ProcSet \[[^\]]*\]((?:(?!endobj)[\s\S])*?)\/MediaBox \[0 0 \S+ (\S+)\]/;
  return pdf.replace(page, (whole, start: string, between: string, top: string) => {
    const box = [0, Number(top) - height, width, Number(top)].map((n) => Number(n.toFixed(3)));
    return `${start}${between}/MediaBox [${box.join(" ")}]`.padEnd(whole.length);
  });
}

function mm(length: number): string {
  return `${Number(length.toFixed(3))}mm`;
}
