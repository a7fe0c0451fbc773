import { axisOf, LINE_LEGEND } from "./axes";
import type { Figure } from "./figure";
import { plain } from "./text";
import { COLUMN, type FigureOptions, layoutOf, SMALL_TEXT, themeOf } from "./theme";

/** A model with its cost and its error. */
export interface TimedModel {
  /** Name of the model. */
  readonly name: string;
  /** What kind it is: models of a kind have one color. */
  readonly kind: string;
  /** Time of its training, seconds, above 0. */
  readonly seconds: number;
  /** Mean absolute error. */
  readonly mae: number;
}

const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "x", "star"];

/** Mean absolute error of models against the time that their training took, on a logarithmic axis. */
export function errorAgainstTime(
  models: readonly TimedModel[],
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const kinds = [...new Set(models.map(({ kind }) => kind))];
  const data = kinds.map((kind, k) => {
    const own = models.filter((model) => model.kind === kind);
    return {
      type: "scatter",
      mode: "markers",
      name: plain(kind),
      x: own.map(({ seconds }) => seconds),
      y: own.map(({ mae }) => mae),
      text: own.map(({ name }) => plain(name)),
      hovertemplate: "%{text}: %{y:.4f} after %{x:.1f} s<extra></extra>",
      marker: {
        color: theme.palette[k % theme.palette.length],
        symbol: SYMBOLS[k % SYMBOLS.length],
        size: 8,
      },
    };
  });
  // Who is best at its cost: nobody is both faster and better.
  const best = models.filter(({ seconds, mae }) =>
    models.every((other) => !(other.seconds <= seconds && other.mae < mae)),
  );
  const placed = labelPlaces(best, models);
  const annotations = placed.map(({ name, x, mae, isRight }) => ({
    x,
    y: mae,
    text: plain(name),
    font: { size: SMALL_TEXT },
    showarrow: false,
    xanchor: isRight ? "right" : "left",
    yshift: -13,
  }));
  return {
    data,
    layout: layoutOf(
      theme,
      { width: COLUMN, height: 300, margin: { l: 62, r: 30, t: 44, b: 42 } },
      {
        showlegend: true,
        legend: LINE_LEGEND,
        annotations,
        xaxis: axisOf(theme, "Training (s)", { type: "log", grid: true, dtick: 1 }),
        yaxis: axisOf(theme, "Mean absolute error", { grid: true, automargin: true }),
      },
    ),
  };
}

/** Labels that do not lie upon each other: of two that would, the better model's. */
function labelPlaces(best: readonly TimedModel[], all: readonly TimedModel[]) {
  const times = all.map(({ seconds }) => Math.log10(seconds));
  const errors = all.map(({ mae }) => mae);
  const [left, right] = [Math.min(...times), Math.max(...times)];
  const height = Math.max(...errors) - Math.min(...errors);
  const placed: { name: string; x: number; mae: number; isRight: boolean }[] = [];
  for (const { name, seconds, mae } of [...best].sort((a, b) => a.mae - b.mae)) {
    const x = Math.log10(seconds);
    const near = placed.some(
      (other) =>
        Math.abs(other.mae - mae) < height / 7 && Math.abs(other.x - x) < (right - left) / 2,
    );
    if (!near) placed.push({ name, x, mae, isRight: x > (left + right) / 2 });
  }
  return placed;
}
