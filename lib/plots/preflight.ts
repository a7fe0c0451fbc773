import { colorDistance, EYE_NAMES, seenBy } from "./color-vision";
import type { Figure } from "./figure";
import type { Journal } from "./journals";

/** One thing that a printed figure needs. */
export interface PreflightCheck {
  /** What was looked at. */
  readonly check: "width" | "height" | "lettering" | "lines" | "fonts" | "colors" | "grays";
  /** Whether it is as it should be. */
  readonly passed: boolean;
  /** What was found. */
  readonly found: string;
  /** What to change; empty where nothing is. */
  readonly remedy: string;
}

/** What was found about one figure. */
export interface PreflightReport {
  /** Its path without extension. */
  readonly path: string;
  /** One entry a check. */
  readonly checks: readonly PreflightCheck[];
}

/** A drawn figure, measured. */
export interface Measured {
  /** Width and height on paper, mm. */
  readonly sizeMm: readonly [width: number, height: number];
  /** Smallest lettering, points, and a text that has it. Default: there is none. */
  readonly text?: { readonly pt: number; readonly what: string };
  /** Thinnest line, points. Default: there is none. */
  readonly linePt?: number;
  /** Names of the fonts in the PDF, and whether each is inside the file. */
  readonly fonts: readonly { readonly name: string; readonly embedded: boolean }[];
  /** Characters that the figure's own font lacks. */
  readonly strange: readonly string[];
}

/** ΔE under which two colors are easily confused, and the same for grays in L*. */
const LEAST_COLORS = 10;
const LEAST_GRAYS = 8;

/** Check a figure against what a journal wants. */
export function preflight(figure: Figure, measured: Measured, journal: Journal): PreflightCheck[] {
  const [width, height] = measured.sizeMm;
  const { columnMm, pageMm, heightMm, textPt, linePt } = journal;
  const fits = [columnMm, pageMm].some((mm) => Math.abs(width - mm) < 0.6);
  const { text } = measured;
  const check = (
    name: PreflightCheck["check"],
    passed: boolean,
    found: string,
    remedy: string,
  ): PreflightCheck => ({ check: name, passed, found, remedy: passed ? "" : remedy });
  return [
    check(
      "width",
      fits,
      `${width.toFixed(0)} mm`,
      `Give it a column (${columnMm} mm) or the page (${pageMm} mm): \`widthMm\` or \`journal\`.`,
    ),
    check(
      "height",
      height <= heightMm + 0.5,
      `${height.toFixed(0)} mm`,
      `Make it no higher than ${heightMm} mm: draw fewer rows, or make it narrower.`,
    ),
    check(
      "lettering",
      text === undefined || text.pt >= textPt - 0.05,
      text === undefined ? "none" : `${text.pt.toFixed(1)} pt ("${text.what}")`,
      `${textPt} pt are wanted: shorten the longest names, or draw fewer of them side by side.`,
    ),
    check(
      "lines",
      measured.linePt === undefined || measured.linePt >= linePt - 0.01,
      measured.linePt === undefined ? "none" : `${measured.linePt.toFixed(2)} pt`,
      `${linePt} pt are wanted: make the lines of its traces thicker.`,
    ),
    fontsCheck(measured, check),
    ...seriesChecks(figure, check),
  ];
}

/** Reports as a table: one row a check, what is to be changed first. */
export function preflightColumns(reports: readonly PreflightReport[]): Record<string, string[]> {
  const rows = reports.flatMap(({ path, checks }) =>
    checks.map((one) => ({ figure: path.replace(/^.*[\\/]/, ""), ...one })),
  );
  const sorted = [...rows.filter(({ passed }) => !passed), ...rows.filter(({ passed }) => passed)];
  return {
    figure: sorted.map(({ figure }) => figure),
    check: sorted.map(({ check }) => check),
    result: sorted.map(({ passed }) => (passed ? "good" : "to be changed")),
    found: sorted.map(({ found }) => found),
    "what to change": sorted.map(({ remedy }) => remedy),
  };
}

type Check = (
  name: PreflightCheck["check"],
  passed: boolean,
  found: string,
  remedy: string,
) => PreflightCheck;

function fontsCheck({ fonts, strange }: Measured, check: Check): PreflightCheck {
  const away = fonts.filter(({ embedded }) => !embedded).map(({ name }) => name);
  const other = fonts.map(({ name }) => name).filter((name) => !name.startsWith("SourceSans3"));
  const found = fonts.map(({ name }) => name).join(", ") || "no text";
  const letters =
    strange.length > 0 ? ` (${strange.map((letter) => `"${letter}"`).join(" ")})` : "";
  return check(
    "fonts",
    away.length === 0 && other.length === 0,
    found,
    away.length > 0
      ? `${away.join(", ")} is not inside the file: draw it again with another browser.`
      : `Some letters${letters} are not in Source Sans 3 and come from another font: write them otherwise.`,
  );
}

/** One entry of a legend, and what besides color tells it from the others. */
interface Series {
  readonly name: string;
  readonly legend: string;
  readonly color: string;
  readonly shape: string;
}

/** Whether the entries of each legend can be told apart by every eye, and printed in gray. */
function seriesChecks({ data, layout }: Figure, check: Check): PreflightCheck[] {
  // Without a legend names stand beside what they name.
  const series = layout.showlegend === false ? [] : legendEntries(data);
  const pairs = series.flatMap((a, i) =>
    series.slice(i + 1).flatMap((b) => {
      const alike = a.shape === b.shape && a.legend === b.legend;
      return alike ? [[a, b] as const] : [];
    }),
  );
  const confused = pairs.flatMap(([a, b]) => {
    const eyes = EYE_NAMES.filter((eye) => colorDistance(eye, a.color, b.color) < LEAST_COLORS);
    return eyes.length > 0 ? [`${a.name} / ${b.name} (${eyes.join(", ")})`] : [];
  });
  const gray = pairs.flatMap(([a, b]) => {
    const [p, q] = [a, b].map(({ color }) => seenBy("usual", color)[0]);
    return Math.abs(p - q) < LEAST_GRAYS ? [`${a.name} / ${b.name}`] : [];
  });
  const remedy = "Give one of each pair another dash or symbol, or draw fewer of them together.";
  const list = (some: readonly string[]) =>
    some.length === 0 ? `${series.length} series, all differ` : some.slice(0, 4).join("; ");
  return [
    check("colors", confused.length === 0, list(confused), remedy),
    check("grays", gray.length === 0, list(gray), remedy),
  ];
}

function legendEntries(data: Figure["data"]): Series[] {
  interface Trace {
    readonly name?: string;
    readonly legend?: string;
    readonly type?: string;
    readonly mode?: string;
    readonly showlegend?: boolean;
    readonly line?: { readonly color?: string; readonly dash?: string };
    readonly marker?: { readonly color?: unknown; readonly symbol?: string };
  }
  const traces = data as readonly Trace[];
  // Of panels each has a legend of its own; of a single plot a second one is the list's second column.
  const severalPanels = new Set(traces.map(({ legend }) => legend)).size > 2;
  return traces.flatMap((trace) => {
    const { name, type, mode, showlegend, line, marker } = trace;
    const color = line?.color ?? marker?.color;
    if (name === undefined || showlegend === false) return [];
    if (typeof color !== "string" || !/^#[0-9a-f]{6}$/i.test(color)) return [];
    const legend =
      trace.legend === "legend2" && !severalPanels ? "legend" : (trace.legend ?? "legend");
    return [{ name, legend, color, shape: [type, mode, line?.dash, marker?.symbol].join() }];
  });
}
