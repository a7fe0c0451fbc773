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
  /** Time of all training that it needs, seconds, above 0. */
  readonly seconds: number;
  /** Mean absolute error. */
  readonly mae: number;
}

const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "x", "star"];

/** Mean absolute error of models against the time that all their training took, on a logarithmic axis. */
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
        xaxis: axisOf(theme, "Training (s)", {
          ...{ type: "log", grid: true },
          ...timeTicks(models.map(({ seconds }) => seconds)),
        }),
        yaxis: axisOf(theme, "Mean absolute error", { grid: true, automargin: true }),
      },
    ),
  };
}

/** Powers of ten, or where these are few 1, 2 and 5 times them. */
function timeTicks(seconds: readonly number[]): object {
  const [low, high] = [Math.min(...seconds), Math.max(...seconds)].map(Math.log10);
  if (high - low > 2) return { dtick: 1 };
  const tens = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, i) => i);
  return { tickvals: tens.flatMap((i) => [1, 2, 5].map((n) => n * 10 ** (Math.floor(low) + i))) };
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
