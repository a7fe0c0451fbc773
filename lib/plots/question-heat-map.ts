import { headsAxis, rowsAxis } from "./axes";
import { drawCells, percent } from "./cells";
import type { Figure } from "./figure";
import { plain, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, SMALL_TEXT, themeOf } from "./theme";

/** How well a model answers each question. */
export interface QuestionedModel {
  /** Name of the model. */
  readonly name: string;
  /** As `voteMetrics` gives them. */
  readonly perQuestion: readonly {
    /** Of the question. */
    readonly name: string;
    /** Galaxies whose volunteers were asked. */
    readonly galaxies: number;
    /** Share of them of which the most frequent answer is the predicted one, 0…1. */
    readonly accuracy: number;
  }[];
}

/**
 * Accuracy (%) of models by question: how often the answer that most volunteers gave is the predicted one. Questions
 * that nobody was asked are left out; what is not known of a model is a dash.
 */
export function questionHeatMap(
  models: readonly QuestionedModel[],
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const questions = models[0].perQuestion.flatMap(({ name, galaxies }) =>
    galaxies > 0 ? [name] : [],
  );
  const names = models.map(({ name }) => plain(name));
  const columns = questions.map((name) => plain(name.replaceAll("-", " ").replaceAll("_", " ")));
  const values = models.map(({ perQuestion }) =>
    questions.map((question) => {
      return perQuestion.find(({ name }) => name === question)?.accuracy ?? Number.NaN;
    }),
  );
  const known = values.flat().filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const left = widest(names, SMALL_TEXT) + 10;
  const head = widest(columns, SMALL_TEXT) + 10;
  const size = Math.max((COLUMN - left - 6) / columns.length, 26);
  const { shapes, trace } = drawCells(theme, {
    // Questions are easy or hard; shades are for what models differ in.
    strengths: values.map((row) =>
      row.map((value) => (Number.isFinite(value) && high > low ? (value - low) / (high - low) : 0)),
    ),
    texts: values.map((row) => row.map((value) => (Number.isFinite(value) ? percent(value) : "–"))),
    hover: values.map((row, m) =>
      row.map((value, q) => `${names[m]}<br>${columns[q]}: ${(100 * value).toFixed(1)} %`),
    ),
    textSize: Math.min(SMALL_TEXT, size / 1.7),
  });
  return {
    data: [trace],
    layout: layoutOf(
      theme,
      {
        width: Math.round(left + size * columns.length + 6),
        height: Math.round(names.length * 20 + head + 6),
        margin: { l: left, r: 6, t: head, b: 6 },
        keepHeight: true,
      },
      {
        shapes,
        xaxis: headsAxis(theme, columns),
        yaxis: rowsAxis(theme, names, { tickfont: { size: SMALL_TEXT }, showline: false }),
      },
    ),
  };
}
