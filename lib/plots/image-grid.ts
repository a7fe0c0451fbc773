import { VIRIDIS } from "./color-maps";
import type { Figure } from "./figure";
import { plain, textWidth, twoLines, widest, wrap } from "./text";
import {
  COLUMN,
  colorScale,
  type FigureOptions,
  layoutOf,
  SMALL_TEXT,
  TEXT,
  themeOf,
} from "./theme";

/** One picture of a grid; none leaves the place empty. */
export interface GridCell {
  /** Picture as a data URI, see `pictureUris`. */
  readonly uri: string;
  /** Line under the picture. Default: none. */
  readonly caption?: string;
  /** Shown on hover. Default: the caption. */
  readonly hover?: string;
  /** Whether a frame in the palette's warning color marks it, such as for a mistake. Default: false. */
  readonly marked?: boolean;
}

/** How {@link imageGrid} is drawn. */
export interface ImageGridOptions extends FigureOptions {
  /** Pictures side by side. */
  readonly columns: number;
  /** Width of the sheet, pixels on the screen. Default: one journal column. */
  readonly width?: number;
  /** Names of the rows, at their left. Default: none. */
  readonly rowLabels?: readonly string[];
  /** Names of the columns, above them. Default: none. */
  readonly columnLabels?: readonly string[];
  /** What the colors of maps mean: a bar below, from its first to its last. Default: none. */
  readonly colorBar?: {
    /** What is colored, with its unit. */
    readonly title: string;
    /** What the two ends are. Default: `least` and `most`. */
    readonly ends?: readonly [low: string, high: string];
  };
}

const GAP = 4;

/** Pictures in rows: the ground of sample grids, augmentation sheets and attention grids. */
export function imageGrid(
  cells: readonly (GridCell | undefined)[],
  { columns, width = COLUMN, rowLabels, columnLabels, colorBar, ...options }: ImageGridOptions,
): Figure {
  const theme = themeOf(options);
  const rows = Math.ceil(cells.length / columns);
  const left = rowLabels
    ? widest(
        rowLabels.map((name) => twoLines(name)),
        TEXT,
      ) + 8
    : 2;
  const head = columnLabels?.map((name) => twoLines(name, 10));
  const headLines = head ? Math.max(...head.map((name) => name.split("<br>").length)) : 0;
  const cell = (width - left - 2) / columns;
  const captioned = cells.some((c) => c?.caption);
  const captionSize = Math.min(SMALL_TEXT, captionFit(cells, cell - GAP));
  const captions = cells.map((picture) => wrap(picture?.caption ?? "", cell - GAP, captionSize));
  const captionLines = Math.max(...captions.map(({ length }) => length));
  const pitch = cell + (captioned ? captionSize * (1.3 * captionLines + 0.2) : 0);
  const [sheetWidth, sheetHeight] = [columns * cell, rows * pitch];
  const top = headLines * TEXT * 1.3 + 2;

  const annotations: object[] = [];
  const images: object[] = [];
  const shapes: object[] = [];
  const note = { showarrow: false, xref: "x", yref: "y" };
  cells.forEach((picture, i) => {
    if (!picture) return;
    const x = (i % columns) * cell;
    const y = Math.floor(i / columns) * pitch;
    const side = cell - GAP;
    images.push({
      source: picture.uri,
      xref: "x",
      yref: "y",
      x: x + GAP / 2,
      y: y + GAP / 2,
      sizex: side,
      sizey: side,
      sizing: "contain",
      layer: "below",
    });
    if (picture.marked)
      shapes.push({
        type: "rect",
        x0: x + GAP / 2,
        x1: x + GAP / 2 + side,
        y0: y + GAP / 2,
        y1: y + GAP / 2 + side,
        line: { color: theme.palette[1], width: 2 },
      });
    if (picture.caption)
      annotations.push({
        ...note,
        text: captions[i].map(plain).join("<br>"),
        x: x + cell / 2,
        y: y + cell - GAP / 2,
        yanchor: "top",
        borderpad: 0,
        font: { size: captionSize },
      });
  });
  // Pictures of a layout have no hover: points without size carry it.
  const hover = {
    type: "scatter",
    mode: "markers",
    x: cells.map((_, i) => (i % columns) * cell + cell / 2),
    y: cells.map((_, i) => Math.floor(i / columns) * pitch + cell / 2),
    text: cells.map((picture) => plain(picture?.hover ?? picture?.caption ?? "")),
    hoverinfo: "text",
    marker: {
      opacity: 0,
      size: cell / 2,
      ...(colorBar ? barOf(colorBar, sheetHeight) : {}),
    },
  };
  const bottom = colorBar ? 44 : 2;
  const axis = { showgrid: false, zeroline: false, ticks: "", fixedrange: true, automargin: true };
  return {
    data: [hover],
    layout: layoutOf(
      theme,
      {
        width,
        height: Math.round(sheetHeight + top + bottom),
        margin: { l: left, r: 2, t: top, b: bottom },
      },
      {
        xaxis: {
          ...axis,
          range: [0, sheetWidth],
          side: "top",
          tickangle: 0,
          tickvals: head?.map((_, column) => (column + 0.5) * cell) ?? [],
          ticktext: head ?? [],
        },
        yaxis: {
          ...axis,
          range: [sheetHeight, 0],
          tickvals: rowLabels?.map((_, row) => row * pitch + cell / 2) ?? [],
          ticktext: rowLabels?.map((name) => twoLines(name)) ?? [],
        },
        images,
        shapes,
        annotations,
      },
    ),
  };
}

/** Plotly's color bar: it belongs to points, of which there is one a picture. */
function barOf(
  { title, ends = ["least", "most"] }: NonNullable<ImageGridOptions["colorBar"]>,
  height: number,
): object {
  return {
    color: [0],
    cmin: 0,
    cmax: 1,
    colorscale: colorScale(VIRIDIS),
    showscale: true,
    colorbar: {
      orientation: "h",
      x: 0.5,
      xanchor: "center",
      y: -6 / height,
      yanchor: "top",
      ypad: 0,
      len: 0.7,
      thickness: 8,
      outlinewidth: 0,
      ticks: "",
      // Plotly sets the title below the labels that it would meet: without one in the middle, halfway between them.
      tickvals: [0, 0.5, 1],
      ticktext: [ends[0], "\u00a0", ends[1]],
      tickfont: { size: SMALL_TEXT },
      title: { text: title, side: "bottom", font: { size: SMALL_TEXT } },
    },
  };
}

/** The text size at which every caption fits its cell on a line, pixels; not under 9, where it takes several. */
function captionFit(cells: readonly (GridCell | undefined)[], width: number): number {
  const longest = cells.reduce((w, c) => Math.max(w, textWidth(c?.caption ?? "", 1)), 1);
  return Math.max(width / longest, 9);
}
