import { headsAxis, rowsAxis } from "./axes";
import { type Cells, drawCells } from "./cells";
import type { Figure } from "./figure";
import { FALLBACK, widest } from "./text";
import { COLUMN, layoutOf, SMALL_TEXT, type Theme } from "./theme";

/** Cells between names of rows and of columns. */
export interface NamedCells extends Omit<Cells, "textSize"> {
  /** Left of the cells. */
  readonly names: readonly string[];
  /** Above the cells, read upwards. */
  readonly heads: readonly string[];
  /** Pixels. Default: as wide as the column has room for. */
  readonly widestCell?: number;
  /** Drawn above the cells. Default: none. */
  readonly shapes?: readonly object[];
}

/** Pixels below which plotly makes no plot to give room to names (`minreducedheight`). */
const LEAST_PLOT = 64;

/** A table of colored cells, as wide as a column or as its numbers need. */
export function heatMap(
  theme: Theme,
  { names, heads, widestCell = Number.POSITIVE_INFINITY, shapes = [], ...cells }: NamedCells,
): Figure {
  const left = widest(names, SMALL_TEXT) + 10;
  const tallest = widest(heads, SMALL_TEXT);
  // Of a few rows plotly takes no margin, so that wider heads would be cut off.
  const fallback = (FALLBACK - 1) * tallest;
  const head = tallest + 10 + (names.length * 20 - fallback < LEAST_PLOT ? fallback : 0);
  // Plotly takes the margin that wider names need from the cells.
  const taken = ((FALLBACK - 1) * left) / heads.length;
  const narrowest = FALLBACK * widest(cells.texts.flat(), SMALL_TEXT) + 2 + taken;
  const size = Math.max(Math.min((COLUMN - left - 6) / heads.length, widestCell), narrowest);
  const drawn = drawCells(theme, { ...cells, textSize: SMALL_TEXT });
  return {
    data: [drawn.trace],
    layout: layoutOf(
      theme,
      {
        width: Math.round(left + size * heads.length + 6),
        height: Math.round(names.length * 20 + head + 6),
        margin: { l: left, r: 6, t: head, b: 6 },
        keepHeight: true,
      },
      {
        shapes: [...drawn.shapes, ...shapes],
        xaxis: headsAxis(theme, heads),
        yaxis: rowsAxis(theme, names, { tickfont: { size: SMALL_TEXT }, showline: false }),
      },
    ),
  };
}
