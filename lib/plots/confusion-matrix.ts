import { normaliseRows } from "../evaluate/confusion";
import type { Summary } from "../evaluate/summary";
import type { Figure } from "./figure";
import { count, plain, twoLines, widest } from "./text";
import {
  axisOf,
  COLUMN,
  type FigureOptions,
  layoutOf,
  ramp,
  SMALL_TEXT,
  textOn,
  themeOf,
} from "./theme";

export interface ConfusionMatrixOptions extends FigureOptions {
  /** `counts`, or `percent` of each true class (default). Both are coloured by the percentage. */
  readonly show?: "counts" | "percent";
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
  { show = "percent", ...options }: ConfusionMatrixOptions = {},
): Figure {
  const theme = themeOf(options);
  const names = perClass.map(({ name }) => twoLines(name));
  const k = names.length;
  const fractions = normaliseRows(confusion);
  const labels = widest(names, SMALL_TEXT) + 8;
  const near = labels + 20;
  const size = (COLUMN - near - 6) / k;
  const texts = confusion.map((row, t) =>
    row.map((n, p) => {
      if (n === 0) return "";
      if (show === "counts") return count(n);
      return fractions[t][p] < 0.005 ? "<1" : (100 * fractions[t][p]).toFixed(0);
    }),
  );
  const textSize = Math.min(12, size / 1.6, (size - 3) / widest(texts.flat(), 1));

  // Cells are shapes, so that they stay vectors: plotly draws a heat map as a picture.
  const cells = fractions.flatMap((row, t) =>
    row.map((fraction, p) => ({
      type: "rect",
      layer: "below",
      x0: p - 0.5,
      x1: p + 0.5,
      y0: t - 0.5,
      y1: t + 0.5,
      fillcolor: ramp(theme.sequential, fraction),
      line: { color: theme.grid, width: 0.5 },
    })),
  );
  const places = confusion.flatMap((row, t) => row.map((_, p) => ({ t, p })));
  const numbers = {
    type: "scatter",
    mode: "text",
    x: places.map(({ p }) => p),
    y: places.map(({ t }) => t),
    text: places.map(({ t, p }) => texts[t][p].replace("<", "&lt;")),
    textfont: {
      size: textSize,
      color: places.map(({ t, p }) => textOn(ramp(theme.sequential, fractions[t][p]))),
    },
    customdata: places.map(({ t, p }) => [
      plain(perClass[t].name),
      plain(perClass[p].name),
      confusion[t][p],
      (100 * fractions[t][p]).toFixed(1),
    ]),
    hovertemplate:
      "true: %{customdata[0]}<br>predicted: %{customdata[1]}<br>" +
      "%{customdata[2]} galaxies, %{customdata[3]} %<extra></extra>",
  };
  const axis = {
    tickvals: names.map((_, c) => c),
    ticktext: names,
    ticks: "",
    fixedrange: true,
    automargin: true,
  };
  return {
    data: [numbers],
    layout: layoutOf(
      theme,
      {
        width: COLUMN,
        height: COLUMN,
        margin: { l: near, r: 6, t: 6, b: near },
      },
      {
        shapes: cells,
        xaxis: axisOf(
          theme,
          show === "counts" ? "Predicted class" : "Predicted class (%, by row)",
          {
            ...axis,
            tickangle: -90,
            range: [-0.5, k - 0.5],
          },
        ),
        yaxis: axisOf(theme, "True class", { ...axis, range: [k - 0.5, -0.5] }),
      },
    ),
  };
}
