import { normalizeRows } from "../evaluate/confusion";
import type { Summary } from "../evaluate/summary";
import { axisOf } from "./axes";
import { drawCells, percent } from "./cells";
import type { Figure } from "./figure";
import { count, plain, twoLines, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, PAGE, SMALL_TEXT, themeOf } from "./theme";

/** How {@link confusionMatrix} is drawn. */
export interface ConfusionMatrixOptions extends FigureOptions {
  /** `counts`, or `percent` of each true class; both are colored by the percentage. Default: `percent`. */
  readonly show?: "counts" | "percent";
  /** What rows and columns are. Default: `True class` and `Predicted class`. */
  readonly titles?: readonly [rows: string, columns: string];
}

/**
 * True against predicted classes. Answers the confusion matrices of Lin et al. (2021,
 * arXiv:2110.01024).
 *
 * @param summary What `evaluate` gives, or a run's `metrics.json`.
 */
export function confusionMatrix(
  {
    perClass,
    confusion,
  }: Pick<Summary, "confusion"> & {
    readonly perClass: readonly { readonly name: string }[];
  },
  {
    show = "percent",
    titles = ["True class", "Predicted class"],
    ...options
  }: ConfusionMatrixOptions = {},
): Figure {
  const theme = themeOf(options);
  const k = perClass.length;
  // Many classes take the page, and their cells have room for one line.
  const width = k > 16 ? PAGE : COLUMN;
  const names = perClass.map(({ name }) => (k > 12 ? plain(name) : twoLines(name)));
  const fractions = normalizeRows(confusion);
  const labels = widest(names, SMALL_TEXT) + 8;
  const near = labels + 20;
  const size = (width - near - 6) / k;
  const texts = confusion.map((row, t) =>
    row.map((n, p) => (show === "percent" ? percent(fractions[t][p]) : n === 0 ? "" : count(n))),
  );
  const { shapes, trace } = drawCells(theme, {
    strengths: fractions,
    texts,
    hover: confusion.map((row, t) =>
      row.map(
        (n, p) =>
          `${titles[0]}: ${plain(perClass[t].name)}<br>${titles[1]}: ${plain(perClass[p].name)}<br>` +
          `${n} galaxies, ${(100 * fractions[t][p]).toFixed(1)} %`,
      ),
    ),
    textSize: Math.min(12, size / 1.6, (size - 3) / widest(texts.flat(), 1)),
  });
  const axis = {
    tickvals: names.map((_, c) => c),
    ticktext: names,
    ticks: "",
    fixedrange: true,
    automargin: true,
  };
  return {
    data: [trace],
    layout: layoutOf(
      theme,
      {
        width,
        height: width,
        margin: { l: near, r: 6, t: 6, b: near },
      },
      {
        shapes,
        xaxis: axisOf(theme, show === "counts" ? titles[1] : `${titles[1]} (%, by row)`, {
          ...axis,
          tickangle: -90,
          range: [-0.5, k - 0.5],
        }),
        yaxis: axisOf(theme, titles[0], { ...axis, range: [k - 0.5, -0.5] }),
      },
    ),
  };
}
