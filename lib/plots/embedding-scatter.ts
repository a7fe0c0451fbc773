import { axisOf, twoColumnLegend } from "./axes";
import type { Figure } from "./figure";
import { plain } from "./text";
import { COLUMN, type FigureOptions, layoutOf, themeOf } from "./theme";

/** Galaxies as points of a plane, such as of the first two principal components of features. */
export interface Embedding {
  /** First coordinate of each galaxy. */
  readonly x: ArrayLike<number>;
  /** Second coordinate of each galaxy. */
  readonly y: ArrayLike<number>;
  /** Class of each galaxy, index into `classNames`; one that is none is not drawn. */
  readonly labels: ArrayLike<number>;
  /** Names of the classes. */
  readonly classNames: readonly string[];
  /** Id of each galaxy, shown on hover. */
  readonly ids: readonly string[];
  /** Small pictures as data URIs (see `pictureUris`), shown on hover in a notebook and in an exported HTML page. */
  readonly thumbnails?: readonly string[];
}

/** How {@link embeddingScatter} is drawn. */
export interface EmbeddingScatterOptions extends FigureOptions {
  /** Titles of the axes. Default: `Dimension 1` and `Dimension 2`. */
  readonly titles?: readonly [x: string, y: string];
  /** Whether the axes have values: those of quantities do, those of an embedding mean nothing. Default: false. */
  readonly values?: boolean;
}

const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "cross"];

/** Each class is drawn in so many turns, so that the last does not lie over all others. */
const TURNS = 8;

/** Galaxies in the plane of an embedding, a color and a symbol a class. */
export function embeddingScatter(
  { x, y, labels, classNames, ids, thumbnails }: Embedding,
  {
    titles = ["Dimension 1", "Dimension 2"],
    values = false,
    ...options
  }: EmbeddingScatterOptions = {},
): Figure {
  const theme = themeOf(options);
  const data = Array.from({ length: TURNS }).flatMap((_, turn) =>
    classNames.flatMap((name, c) => {
      const own = ids.map((_, i) => i).filter((i) => labels[i] === c);
      const members = own.filter((_, at) => at % TURNS === turn);
      // A class without galaxies is in the legend too.
      if (members.length === 0 && turn > 0) return [];
      return {
        type: "scatter",
        mode: "markers",
        name: plain(name),
        legend: c < classNames.length / 2 ? "legend" : "legend2",
        legendgroup: name,
        showlegend: turn === 0,
        x: members.map((i) => x[i]),
        y: members.map((i) => y[i]),
        text: members.map((i) => plain(ids[i])),
        customdata: thumbnails ? members.map((i) => thumbnails[i]) : undefined,
        hovertemplate: `%{text}<extra>${plain(name)}</extra>`,
        marker: {
          color: theme.palette[c % theme.palette.length],
          symbol: SYMBOLS[c % SYMBOLS.length],
          size: 4.5,
          opacity: 0.8,
        },
      };
    }),
  );
  const [left, below] = values ? [56, 44] : [44, 30];
  const plot = COLUMN - left - 8;
  const legend = Math.ceil(classNames.length / 2) * 17;
  const ticks = values ? { nticks: 6 } : { showticklabels: false, ticks: "" };
  return {
    data,
    layout: layoutOf(
      theme,
      {
        height: plot + 8 + below + legend,
        margin: { l: left, r: 8, t: 8, b: below + legend },
      },
      {
        showlegend: true,
        // Colors are told apart in larger dots than the plot's.
        ...twoColumnLegend(below / plot, { itemsizing: "constant" }),
        xaxis: axisOf(theme, titles[0], ticks),
        yaxis: axisOf(theme, titles[1], ticks),
      },
    ),
  };
}
