import { axisOf } from "./axes";
import { VIRIDIS } from "./color-maps";
import type { Embedding } from "./embedding-scatter";
import type { Figure } from "./figure";
import { plain } from "./text";
import { COLUMN, colorScale, type FigureOptions, layoutOf, SMALL_TEXT, themeOf } from "./theme";

/** Galaxies as points of a plane, with a number about each. */
export interface ValuedEmbedding extends Omit<Embedding, "labels" | "classNames"> {
  /** The number that colors each galaxy, such as its redshift; one that is NaN is drawn in gray. */
  readonly values: ArrayLike<number>;
}

/** How {@link valueScatter} is drawn. */
export interface ValueScatterOptions extends FigureOptions {
  /** What is colored, with its unit, such as `redshift`. */
  readonly title: string;
  /** Titles of the axes. Default: `Dimension 1` and `Dimension 2`. */
  readonly titles?: readonly [x: string, y: string];
}

/** Galaxies in the plane of an embedding, colored by a number: redshift, confidence, strangeness. */
export function valueScatter(
  { x, y, values, ids, thumbnails }: ValuedEmbedding,
  { title, titles = ["Dimension 1", "Dimension 2"], ...options }: ValueScatterOptions,
): Figure {
  const theme = themeOf(options);
  const known = ids.map((_, i) => i).filter((i) => Number.isFinite(values[i]));
  const unknown = ids.map((_, i) => i).filter((i) => !Number.isFinite(values[i]));
  const sorted = known.map((i) => values[i]).sort((a, b) => a - b);
  // A few far values would leave one color for all others.
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const points = (members: readonly number[], marker: object, hovertemplate: string) => ({
    type: "scatter",
    mode: "markers",
    showlegend: false,
    x: members.map((i) => x[i]),
    y: members.map((i) => y[i]),
    text: members.map((i) => plain(ids[i])),
    customdata: thumbnails ? members.map((i) => thumbnails[i]) : undefined,
    hovertemplate,
    marker: { size: 4.5, opacity: 0.8, ...marker },
  });
  const color = known.map((i) => values[i]);
  const bar = { thickness: 10, len: 1, x: 1.02, title: { text: plain(title), side: "right" } };
  const scale = {
    color,
    cmin: at(0.01),
    cmax: at(0.99),
    colorscale: colorScale(VIRIDIS),
    showscale: true,
    colorbar: { ...bar, tickfont: { size: SMALL_TEXT }, nticks: 5, outlinewidth: 0 },
  };
  const [left, right, below] = [30, 62, 30];
  const ticks = { showticklabels: false, ticks: "" };
  return {
    data: [
      ...(unknown.length > 0
        ? [points(unknown, { color: "#b0b0b0" }, "%{text}<extra>not known</extra>")]
        : []),
      points(known, scale, "%{text}<extra>%{marker.color:.3g}</extra>"),
    ],
    layout: layoutOf(
      theme,
      {
        height: COLUMN - left - right + 8 + below,
        margin: { l: left, r: right, t: 8, b: below },
      },
      {
        showlegend: false,
        xaxis: axisOf(theme, titles[0], ticks),
        yaxis: axisOf(theme, titles[1], ticks),
      },
    ),
  };
}
