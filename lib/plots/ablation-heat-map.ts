import { asHeading, inWords } from "../core/names";
import type { AblationRow, AblationTable } from "../evaluate/ablation-table";
import { percent } from "./cells";
import type { Figure } from "./figure";
import { heatMap } from "./heat-map";
import { plain } from "./text";
import { type FigureOptions, themeOf } from "./theme";

/** What the cells show, `[rows][columns]` each but the titles. */
interface Content {
  readonly titles: readonly string[];
  /** How strongly a cell is colored, 0 … 1. */
  readonly strengths: readonly (readonly number[])[];
  readonly texts: readonly (readonly string[])[];
  /** Said when a cell is pointed at. */
  readonly hover: readonly (readonly string[])[];
  /** How many of the first columns are about everything. */
  readonly general: number;
}

const NOTHING = "–";

/** Pixels. */
const WIDEST_CELL = 48;

/** Scores of each class or question (%), after the metric that sums them up. */
function brokenDown(
  { name, overall, names }: NonNullable<AblationTable["breakdown"]>,
  rows: readonly AblationRow[],
): Content {
  const first = overall === undefined ? [] : [overall];
  const what = [...first.map(inWords), ...names.map((one) => `${name} of ${plain(one)}`)];
  const values = rows.map(({ metrics, scores }) => [
    ...first.map((metric) => metrics[metric]?.value ?? Number.NaN),
    ...names.map((_, c) => scores[c] ?? Number.NaN),
  ]);
  const texts = (write: (value: number, column: number) => string) =>
    values.map((row) => row.map((value, c) => (Number.isNaN(value) ? NOTHING : write(value, c))));
  return {
    titles: [...first.map(asHeading), ...names].map(plain),
    strengths: values.map((row) => row.map((value) => (Number.isNaN(value) ? 0 : value))),
    texts: texts((value) => percent(value) || "0"),
    hover: texts((value, c) => `${what[c]} ${(100 * value).toFixed(1)} %`),
    general: first.length,
  };
}

/** The metrics, each shaded from its lowest value to its highest. */
function ofMetrics(metrics: readonly string[], rows: readonly AblationRow[]): Content {
  const values = rows.map((row) => metrics.map((name) => row.metrics[name]?.value ?? Number.NaN));
  const column = (c: number) => values.map((row) => row[c]).filter(Number.isFinite);
  const strength = (value: number, c: number) => {
    const [low, high] = [Math.min(...column(c)), Math.max(...column(c))];
    return value > low ? (value - low) / (high - low) : 0;
  };
  const text = (value: number) => (Number.isNaN(value) ? NOTHING : value.toPrecision(3));
  return {
    titles: metrics.map(asHeading),
    strengths: values.map((row) => row.map(strength)),
    texts: values.map((row) => row.map(text)),
    hover: values.map((row) => row.map((value, c) => `${inWords(metrics[c])} ${text(value)}`)),
    general: metrics.length,
  };
}

/**
 * The rows of an ablation, labeled **model** training data / test data: of classes accuracy and recall of
 * each, of votes how often each question is answered rightly (%); of a task without such scores its
 * metrics, each shaded from its lowest value to its highest. Answers seven models by three pairs of training
 * and test data on Galaxy10 DECaLS.
 */
export function ablationHeatMap(
  { metrics, breakdown, rows }: AblationTable,
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const names = rows.map(
    ({ model, trainedOn, testedOn }) =>
      `<b>${plain(model)}</b> ${plain(trainedOn)} / ${plain(testedOn)}`,
  );
  const content = breakdown ? brokenDown(breakdown, rows) : ofMetrics(metrics, rows);
  const { titles, strengths, texts, general } = content;
  const hasBoth = general > 0 && general < titles.length;
  const x = general - 0.5;
  const ends = { x0: x, x1: x, y0: -0.5, y1: rows.length - 0.5 };
  return heatMap(theme, {
    names,
    heads: titles,
    strengths,
    texts,
    hover: content.hover.map((row, r) => row.map((text) => `${names[r]}<br>${text}`)),
    widestCell: WIDEST_CELL,
    shapes: hasBoth ? [{ type: "line", ...ends, line: { color: theme.ink, width: 1 } }] : [],
  });
}
