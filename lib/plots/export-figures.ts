import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { UserError } from "../core/errors";
import { throwIfInterrupted } from "../core/kernel-host";
import { makeFolder, writeFileAtomic } from "../io/atomic";
import type { Figure } from "./figure";
import { type Journal, type JournalName, journalOf, journalWidth } from "./journals";
import { type PreflightReport, preflight } from "./preflight";
import { lettersWithoutFont, Renderer } from "./render";
import { PIXELS_PER_MM, resize } from "./theme";
import { SHOW_THUMBNAILS } from "./thumbnails";

/** A format of files: vectors on a page, vectors alone, pixels, an interactive page. */
export type FigureFormat = "pdf" | "svg" | "png" | "html";

/** How figures are written to files. */
export interface ExportOptions {
  /** Formats, a file each. Default: pdf, svg and png. */
  readonly formats?: readonly FigureFormat[];
  /** Width on paper, millimeters. Default: the figure's own (88 for one column, 180 for a page). */
  readonly widthMm?: number;
  /**
   * A journal: its figures are as wide as its column, or its page where they are made for one, and are
   * checked against its limits. `widthMm` overrules its width. Default: none.
   */
  readonly journal?: JournalName;
  /**
   * Takes what a look at each figure finds: width, smallest lettering, thinnest line, fonts, and whether all
   * series differ for every eye and in gray, with what to change. Default: nobody looks.
   */
  readonly preflight?: (report: PreflightReport) => void;
  /** Dots an inch of the PNG. Default: 300. */
  readonly dpi?: number;
  /** Hears how many figures are drawn, and of how many: at the start and after each. Default: nobody does. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Limits where no journal is named: those of two common widths, and of Nature's lettering and lines. */
const ANY_JOURNAL: Journal = {
  title: "any journal",
  columnMm: 88,
  pageMm: 180,
  heightMm: 240,
  textPt: 5,
  linePt: 0.25,
};

/** A figure as a page that works without network: zoom, pan and hover. */
export async function figureHtml(figure: Figure, title: string): Promise<string> {
  const plotly = await readFile(require.resolve("plotly.js-dist-min"), "utf8");
  const spec = JSON.stringify(figure).replaceAll("<", "\\u003c");
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title.replace(/[<&]/g, "")}</title>` +
    `<body style="margin:0"><div id="figure"></div><script>${plotly}</script>` +
    `<script>const f=${spec};Plotly.newPlot("figure",f.data,f.layout,{displaylogo:false,showSendToCloud:false}).then(${SHOW_THUMBNAILS})</script></body></html>\n`
  );
}

/**
 * Write figures to files, all in one start of the browser: `path.pdf`, `path.svg`, `path.png` …
 * PDF and SVG hold vectors and text with its fonts, the PNG knows its physical size. The same figure
 * gives the same bytes.
 *
 * @param figures Path without extension → figure.
 * @returns The files written.
 * @throws UserError where no browser is found: interactive HTML is then written in its place; where
 *   a format, width or resolution is none, or a figure cannot be drawn.
 */
export async function exportFigures(
  figures: Readonly<Record<string, Figure>>,
  options: ExportOptions = {},
): Promise<string[]> {
  const { formats = ["pdf", "svg", "png"], widthMm, dpi = 300 } = options;
  const journal = options.journal === undefined ? undefined : journalOf(options.journal);
  for (const [name, value] of Object.entries({ "width in millimeters": widthMm ?? 88, dpi }))
    if (!(value > 0 && value <= 5000))
      throw new UserError(`The ${name} is ${value}`, "Give a number above 0, such as 88 or 300.");
  for (const format of formats)
    if (!["pdf", "svg", "png", "html"].includes(format))
      throw new UserError(`"${format}" is no format of figures`, "Use pdf, svg, png or html.");
  const written: string[] = [];
  const write = async (path: string, contents: string | Buffer) => {
    writeFileAtomic(path, contents, { fsync: false });
    written.push(path);
  };
  const entries = Object.entries(figures);
  for (const [path] of entries) makeFolder(dirname(path));
  options.onProgress?.(0, entries.length);
  const html = async () => {
    for (const [path, figure] of entries)
      await write(`${path}.html`, await figureHtml(figure, basename(path)));
  };
  if (formats.includes("html")) await html();
  if (formats.every((format) => format === "html")) {
    options.onProgress?.(entries.length, entries.length);
    return written;
  }

  let renderer: Renderer;
  try {
    renderer = await Renderer.open();
  } catch (cause) {
    if (!formats.includes("html")) await html();
    const { problem, remedy } =
      cause instanceof UserError ? cause : { problem: String(cause), remedy: "Try again." };
    throw new UserError(
      `${problem}. Written instead, as interactive pages: ${written.join(", ")}`,
      remedy,
      { cause },
    );
  }
  try {
    for (const [i, [path, figure]] of entries.entries()) {
      throwIfInterrupted();
      const natural = (figure.layout.width as number) / PIXELS_PER_MM;
      // The sheet is a whole number of pixels; half a pixel is 0.1 mm.
      const width = widthMm ?? (journal ? journalWidth(figure, journal) : Math.round(natural));
      const sheet = resize(figure, Math.round(width * PIXELS_PER_MM));
      const height = (width * (sheet.layout.height as number)) / (sheet.layout.width as number);
      const svg = await renderer.svg(sheet, width).catch((cause: unknown) => {
        throw new UserError(
          `The figure ${path} cannot be drawn: ${String(cause).split("\n")[0]}`,
          "Look at the tables it is made from.",
          { cause },
        );
      });
      if (formats.includes("svg")) await write(`${path}.svg`, `${svg}\n`);
      const printed = formats.includes("pdf") || options.preflight !== undefined;
      const pdf = printed ? await renderer.pdf(svg, width, height, basename(path)) : undefined;
      if (pdf !== undefined && formats.includes("pdf")) await write(`${path}.pdf`, pdf);
      if (pdf !== undefined && options.preflight !== undefined) {
        const { textSize, text = "", lineWidth, letters } = await renderer.measure(svg);
        const points = ((width / 25.4) * 72) / (sheet.layout.width as number);
        const checks = preflight(
          sheet,
          {
            sizeMm: [width, height],
            ...(textSize === undefined ? {} : { text: { pt: textSize * points, what: text } }),
            ...(lineWidth === undefined ? {} : { linePt: lineWidth * points }),
            fonts: fontsOf(pdf),
            strange: lettersWithoutFont(letters),
          },
          journal ?? ANY_JOURNAL,
        );
        options.preflight({ path, checks });
      }
      if (formats.includes("png")) {
        const dots = (length: number) => Math.round((length / 25.4) * dpi);
        const png = await renderer.png(svg, dots(width), dots(height));
        const { default: sharp } = await import("sharp");
        await write(
          `${path}.png`,
          await sharp(png).removeAlpha().withMetadata({ density: dpi }).png().toBuffer(),
        );
      }
      options.onProgress?.(i + 1, entries.length);
    }
  } finally {
    await renderer.close();
  }
  return written;
}

/** The fonts of a PDF, and which of them it holds itself. */
export function fontsOf(pdf: Buffer): { name: string; embedded: boolean }[] {
  const objects = pdf.toString("latin1").split("endobj");
  const names = objects.flatMap(
    (object) => /\/BaseFont ?\/(?:[A-Z]{6}\+)?([^\s/>]+)/.exec(object)?.[1] ?? [],
  );
  const embedded = objects.flatMap((object) =>
    /\/FontFile/.test(object)
      ? (/\/FontName ?\/(?:[A-Z]{6}\+)?([^\s/>]+)/.exec(object)?.[1] ?? [])
      : [],
  );
  return [...new Set(names)].map((name) => ({ name, embedded: embedded.includes(name) }));
}

/** Write one figure; see {@link exportFigures}. */
export function exportFigure(
  figure: Figure,
  path: string,
  options: ExportOptions = {},
): Promise<string[]> {
  return exportFigures({ [path]: figure }, options);
}
