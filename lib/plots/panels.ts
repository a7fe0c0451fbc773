import type { Figure } from "./figure";
import { COLUMN, TEXT } from "./theme";

type Layout = Record<string, unknown>;
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How {@link panels} stand together. */
export interface PanelsOptions {
  /** Panels side by side. Default: as many as there are, at most 2. */
  readonly columns?: number;
  /** Whether each panel has its letter. Default: true. */
  readonly letters?: boolean;
}

const LETTER = 18;

/**
 * Several figures as the panels of one, lettered **a**, **b**, **c** … at their upper left corners.
 * Each keeps its own size; a row is as high as its highest.
 */
export function panels(
  figures: readonly Figure[],
  { columns = Math.min(figures.length, 2), letters = true }: PanelsOptions = {},
): Figure {
  const sizes = figures.map(({ layout }) => ({
    width: (layout.width as number | undefined) ?? COLUMN,
    height: (layout.height as number) + (letters ? LETTER : 0),
  }));
  const rows = Array.from({ length: Math.ceil(figures.length / columns) }, (_, r) =>
    sizes.slice(r * columns, (r + 1) * columns),
  );
  const width = Math.max(...rows.map((row) => row.reduce((sum, size) => sum + size.width, 0)));
  const rowHeights = rows.map((row) => Math.max(...row.map((size) => size.height)));
  const height = rowHeights.reduce((sum, h) => sum + h, 0);

  const data: object[] = [];
  const layout: Layout = {};
  const lists: Record<"annotations" | "shapes" | "images", object[]> = {
    annotations: [],
    shapes: [],
    images: [],
  };
  let axesUsed = 0;
  let legendsUsed = 0;
  figures.forEach((figure, i) => {
    const row = Math.floor(i / columns);
    const left = rows[row].slice(0, i % columns).reduce((sum, size) => sum + size.width, 0);
    const above = rowHeights.slice(0, row).reduce((sum, h) => sum + h, 0);
    const own = figure.layout as Layout;
    const margin = own.margin as { l: number; r: number; t: number; b: number };
    // The panel's plotting area as fractions of the sheet, from its lower left corner.
    const box: Box = {
      x: (left + margin.l) / width,
      y: 1 - (above + sizes[i].height - margin.b) / height,
      width: (sizes[i].width - margin.l - margin.r) / width,
      height: (sizes[i].height - (letters ? LETTER : 0) - margin.t - margin.b) / height,
    };
    const offset = axesUsed;
    const numbers = Object.keys(own).flatMap((key) => /^[xy]axis(\d*)$/.exec(key)?.[1] ?? []);
    axesUsed += Math.max(...numbers.map((number) => Number(number || 1)));
    const renamed = moveAxes(own, offset, box);
    Object.assign(layout, renamed);
    const legends = new Map<string, string>();
    if (own.showlegend)
      for (const key of ["legend", ...Object.keys(own).filter((k) => /^legend\d+$/.test(k))]) {
        legendsUsed++;
        const name = legendsUsed === 1 ? "legend" : `legend${legendsUsed}`;
        legends.set(key, name);
        layout[name] = moveLegend((own[key] ?? {}) as Layout, box);
      }
    for (const trace of figure.data) {
      const t = trace as Layout;
      data.push({
        ...t,
        xaxis: shift((t.xaxis as string | undefined) ?? "x", offset),
        yaxis: shift((t.yaxis as string | undefined) ?? "y", offset),
        legend: legends.get((t.legend as string | undefined) ?? "legend"),
        showlegend: own.showlegend === true && t.showlegend !== false,
        legendgroup: t.legendgroup === undefined ? undefined : `${i} ${String(t.legendgroup)}`,
      });
    }
    for (const list of ["annotations", "shapes", "images"] as const)
      for (const item of (own[list] as Layout[] | undefined) ?? [])
        lists[list].push({
          ...item,
          xref: shift((item.xref as string | undefined) ?? "x", offset),
          yref: shift((item.yref as string | undefined) ?? "y", offset),
        });
    if (letters)
      lists.annotations.push({
        text: `<b>${String.fromCharCode(97 + i)}</b>`,
        x: (left + 2) / width,
        y: 1 - above / height,
        xref: "paper",
        yref: "paper",
        xanchor: "left",
        yanchor: "top",
        showarrow: false,
        borderpad: 0,
        font: { size: TEXT + 2 },
      });
  });
  const { paper_bgcolor, plot_bgcolor, font, hoverlabel } = figures[0].layout;
  return {
    data,
    layout: {
      ...layout,
      ...lists,
      ...{ paper_bgcolor, plot_bgcolor, font, hoverlabel, width, height },
      barmode: "overlay",
      margin: { l: 0, r: 0, t: 0, b: 0, pad: 0 },
      showlegend: figures.some((figure) => figure.layout.showlegend),
      meta: { keepHeight: figures.every((figure) => (figure.layout.meta as Layout)?.keepHeight) },
    },
  };
}

/** `x2` moved by 3 → `x5`; `paper` stays. */
function shift(name: string, offset: number): string {
  const match = /^(x|y)(\d*)$/.exec(name);
  if (!match) return name;
  const number = Number(match[2] || 1) + offset;
  return `${match[1]}${number === 1 ? "" : number}`;
}

function moveAxes(layout: Layout, offset: number, box: Box): Layout {
  const moved: Layout = {};
  for (const [key, value] of Object.entries(layout)) {
    const match = /^(x|y)axis(\d*)$/.exec(key);
    if (!match) continue;
    const axis = value as Layout;
    const letter = match[1];
    const [from, to] = (axis.domain as [number, number] | undefined) ?? [0, 1];
    const [start, length] = letter === "x" ? [box.x, box.width] : [box.y, box.height];
    // A second y axis may share the first x axis.
    const across = letter === "x" ? "y" : "x";
    const other = `${across}${`${across}axis${match[2]}` in layout ? match[2] : ""}`;
    moved[shift(letter + match[2], offset).replace(letter, `${letter}axis`)] = {
      ...axis,
      domain: [start + from * length, start + to * length],
      anchor: shift((axis.anchor as string | undefined) ?? other, offset),
      matches: axis.matches === undefined ? undefined : shift(axis.matches as string, offset),
      // Margins are the panel's own; the sheet has none that could grow.
      automargin: false,
    };
  }
  return moved;
}

function moveLegend(legend: Layout, box: Box): Layout {
  return {
    ...legend,
    x: box.x + ((legend.x as number | undefined) ?? 0) * box.width,
    y: box.y + ((legend.y as number | undefined) ?? 1) * box.height,
  };
}
