/** What a caption says of a run. */
export interface CaptionContext {
  /** Name of the architecture. */
  readonly model: string;
  /** Name of the data set. */
  readonly data: string;
  /** Number of test galaxies. */
  readonly galaxies: number;
}

/** One sentence or two a figure of `runFigures`; a new figure there is a line here. */
const TEXTS: Readonly<Record<string, (c: CaptionContext) => string>> = {
  "training-curves": ({ model, data }) =>
    `Loss (nats) and accuracy of ${model} after each epoch of training on ${data}, on the galaxies it learns from and on the validation galaxies.`,
  "confusion-matrix": ({ model, galaxies }) =>
    `Confusion matrix of ${model} for ${galaxies} test galaxies. Rows are true classes, columns predicted ones; each row sums to 100 %.`,
  "confusion-matrix-counts": ({ model, galaxies }) =>
    `Confusion matrix of ${model} for ${galaxies} test galaxies, in numbers of galaxies. Rows are true classes, columns predicted ones.`,
  "per-class-bars": ({ model }) =>
    `Precision, recall and F1 of ${model} for each class of the test galaxies.`,
  "roc-curves": ({ model }) =>
    `True positive rate of ${model} against the false positive rate, each class against the rest, with the area under the curve.`,
  "precision-recall-curves": ({ model }) =>
    `Precision of ${model} against recall, each class against the rest, with the average precision.`,
  "reliability-diagram": ({ model }) =>
    `How often ${model} is right, against how sure it is. A calibrated network lies on the diagonal; the expected calibration error is the mean distance from it.`,
};

/**
 * The caption of one of a run's figures, for a paper or a page.
 *
 * @param name As `runFigures` calls it.
 */
export function runCaption(name: string, context: CaptionContext): string {
  return TEXTS[name]?.(context) ?? `${name.replaceAll("-", " ")} of ${context.model}.`;
}
