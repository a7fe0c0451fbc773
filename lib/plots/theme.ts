import type { Figure } from "./figure";

/** Colors and lettering of a figure. */
export interface Theme {
  /** Background of the sheet. */
  readonly paper: string;
  /** Text and axes. */
  readonly ink: string;
  /** Second-rank text. */
  readonly muted: string;
  /** Grid lines. */
  readonly grid: string;
  /** Categories, in the order of use. */
  readonly palette: readonly string[];
  /** Amounts from none to all: from the paper's color to the strongest. */
  readonly sequential: readonly string[];
}

/** Name of a theme. */
export type ThemeName = "light" | "dark";

/** What every figure function accepts beside its tables. */
export interface FigureOptions {
  /** Colors on a light or a dark sheet. Default: `light`. */
  readonly theme?: ThemeName;
}

/** Screen pixels a millimeter of print: text of 12 px on the screen becomes 7 pt on paper. */
export const PIXELS_PER_MM = (96 / 25.4) * (9 / 7);

/** One column of a journal page (88 mm), in pixels. */
export const COLUMN = Math.round(88 * PIXELS_PER_MM);
/** The full width of a journal page (180 mm), in pixels. */
export const PAGE = Math.round(180 * PIXELS_PER_MM);

/** Size of text, pixels on the screen. */
export const TEXT = 12;
/** Size of ticks, legends and notes, pixels on the screen. */
export const SMALL_TEXT = 10.5;

/** The family that exported files embed; where it is missing, the next of similar widths. */
export const FONT_FAMILY = '"Source Sans 3", "Open Sans", Arial, sans-serif';

// Petroff (2021, arXiv:2107.02270): ten colors searched for distance under color-vision
// deficiency and for preference.
const PALETTE = [
  ...["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"],
  ...["#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"],
];

// The same on a dark sheet: its four darkest moved until every eye tells all ten apart there too.
const DARK_PALETTE = [
  ...["#3f90da", "#ffa90e", "#b14c25", "#94a4a2", "#bd38ff"],
  ...["#9d614e", "#e76300", "#b9ac70", "#646b84", "#92dadd"],
];

const themes: Readonly<Record<ThemeName, Theme>> = {
  light: {
    paper: "#ffffff",
    ink: "#1a1a1a",
    muted: "#5c5c5c",
    grid: "#e4e4e4",
    palette: PALETTE,
    sequential: ["#ffffff", "#d6e6f4", "#94c0e2", "#4a8fc7", "#1c5c9c", "#08306b"],
  },
  dark: {
    paper: "#15181d",
    ink: "#eeeeee",
    muted: "#a8adb5",
    grid: "#343a43",
    palette: DARK_PALETTE,
    sequential: ["#15181d", "#16344f", "#1f5c8c", "#3f8fca", "#8cc4ec", "#e4f2fd"],
  },
};

/** The theme of that name; light where none is asked for. */
export function themeOf(options: FigureOptions): Theme {
  return themes[options.theme ?? "light"];
}

function channels(color: string): [number, number, number] {
  const value = Number.parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** The color at `t` in [0, 1] along `#rrggbb` colors, linear between them. */
export function interpolateColor(colors: readonly string[], t: number): string {
  const position = Math.min(Math.max(t, 0), 1) * (colors.length - 1);
  const first = Math.min(Math.floor(position), colors.length - 2);
  const a = channels(colors[first]);
  const b = channels(colors[first + 1]);
  const mixed = a.map((from, i) => Math.round(from + (b[i] - from) * (position - first)));
  return `#${mixed.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}

/** Black or white, whichever has the larger contrast ratio (WCAG 2.2) on that color. */
export function textOn(color: string): string {
  const [r, g, b] = channels(color).map((c) =>
    c <= 10 ? c / 3294 : ((c / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/** Plotly's color scale of `#rrggbb` colors. */
export function colorScale(colors: readonly string[]): [number, string][] {
  return colors.map((color, i) => [i / (colors.length - 1), color]);
}

/** Size of a sheet, pixels on the screen. */
interface Sheet {
  /** Default: one journal column. */
  readonly width?: number;
  readonly height: number;
  /** Left, right, top and bottom of the plot. */
  readonly margin: {
    readonly l: number;
    readonly r: number;
    readonly t: number;
    readonly b: number;
  };
  /** Whether the height follows from the rows shown rather than from the width. Default: false. */
  readonly keepHeight?: boolean;
}

/** The layout that all figures share: sheet, colors, text. */
export function layoutOf(
  theme: Theme,
  { width = COLUMN, height, margin, keepHeight = false }: Sheet,
  extra: Readonly<Record<string, unknown>> = {},
): Figure["layout"] {
  return {
    width,
    height,
    margin: { ...margin, pad: 0 },
    paper_bgcolor: theme.paper,
    plot_bgcolor: theme.paper,
    font: { family: FONT_FAMILY, size: TEXT, color: theme.ink },
    hoverlabel: { font: { family: FONT_FAMILY, size: TEXT } },
    showlegend: false,
    meta: { keepHeight },
    ...extra,
  };
}

/** The same figure at another width: heights follow unless the figure's rows set them. */
export function resize(figure: Figure, width: number): Figure {
  const {
    width: oldWidth,
    height,
    meta,
  } = figure.layout as {
    width: number;
    height: number;
    meta?: { keepHeight?: boolean };
  };
  const newHeight = meta?.keepHeight ? height : Math.round((height * width) / oldWidth);
  return { data: figure.data, layout: { ...figure.layout, width, height: newHeight } };
}
