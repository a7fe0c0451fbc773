import { count } from "./text";
import { interpolateColor, type Theme, textOn } from "./theme";

/** A matrix of colored cells with a number in each. */
export interface Cells {
  /** How strongly each cell is colored, 0 to 1. */
  readonly strengths: readonly (readonly number[])[];
  /** What is written in each. */
  readonly texts: readonly (readonly string[])[];
  /** What hovering shows, lines joined by `<br>`. */
  readonly hover: readonly (readonly string[])[];
  /** Pixels. */
  readonly textSize: number;
}

/**
 * Cells at whole coordinates (column, row), as shapes, so that they stay vectors: plotly draws a heat
 * map as a picture. A trace of texts carries numbers and hover.
 */
export function drawCells(theme: Theme, { strengths, texts, hover, textSize }: Cells) {
  const places = strengths.flatMap((row, y) => row.map((strength, x) => ({ x, y, strength })));
  const colors = places.map(({ strength }) => interpolateColor(theme.sequential, strength));
  const shapes = places.map(({ x, y }, i) => ({
    type: "rect",
    layer: "below",
    x0: x - 0.5,
    x1: x + 0.5,
    y0: y - 0.5,
    y1: y + 0.5,
    fillcolor: colors[i],
    line: { color: theme.grid, width: 0.5 },
  }));
  const trace = {
    type: "scatter",
    mode: "text",
    x: places.map(({ x }) => x),
    y: places.map(({ y }) => y),
    text: places.map(({ x, y }) => texts[y][x].replace("<", "&lt;")),
    textfont: { size: textSize, color: colors.map(textOn) },
    customdata: places.map(({ x, y }) => hover[y][x]),
    hovertemplate: "%{customdata}<extra></extra>",
    cliponaxis: false,
  };
  return { shapes, trace };
}

/** A fraction as a whole percentage: empty for none, `<1` for a few, `>99` for nearly all. */
export function percent(fraction: number): string {
  if (fraction === 0) return "";
  if (fraction < 1 && fraction >= 0.995) return ">99";
  return fraction < 0.005 ? "<1" : count(100 * fraction);
}
