import { percent } from "./cells";
import type { Figure } from "./figure";
import { heatMap } from "./heat-map";
import { plain } from "./text";
import { type FigureOptions, themeOf } from "./theme";

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
  const heads = questions.map((name) => plain(name.replaceAll("-", " ").replaceAll("_", " ")));
  const values = models.map(({ perQuestion }) =>
    questions.map((question) => {
      return perQuestion.find(({ name }) => name === question)?.accuracy ?? Number.NaN;
    }),
  );
  const known = values.flat().filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return heatMap(theme, {
    names,
    heads,
    // Questions are easy or hard; shades are for what models differ in.
    strengths: values.map((row) =>
      row.map((value) => (Number.isFinite(value) && high > low ? (value - low) / (high - low) : 0)),
    ),
    texts: values.map((row) => row.map((value) => (Number.isFinite(value) ? percent(value) : "–"))),
    hover: values.map((row, m) =>
      row.map((value, q) => `${names[m]}<br>${heads[q]}: ${(100 * value).toFixed(1)} %`),
    ),
  });
}
