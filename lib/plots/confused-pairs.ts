import { UserError } from "../core/errors";
import { idKey, rowsById } from "../core/ids";
import type { Dataset } from "../data/dataset";
import { mostConfusedPairs } from "../evaluate/confusion";
import type { Predictions } from "../evaluate/predictions";
import type { Figure } from "./figure";
import { imageGrid } from "./image-grid";
import { pictureUris } from "./pictures";
import type { FigureOptions } from "./theme";

/** Predictions, and where the pictures of their galaxies are. */
export interface MistakenGalaxies {
  /** The data set that the predictions were made on. */
  readonly dataset: Pick<Dataset, "name" | "table" | "imageSize" | "read">;
  /** Of its galaxies, or some of them; matched by id. */
  readonly predictions: Predictions;
}

/** How {@link confusedPairs} is drawn. */
export interface ConfusedPairsOptions extends FigureOptions {
  /** Kinds of mistakes. Default: 5. */
  readonly pairs?: number;
  /** Galaxies of each. Default: 4. */
  readonly perPair?: number;
}

/**
 * The most frequent kinds of mistakes as pictures, a row a kind, the most
 * confident mistakes first, with the probability of the predicted class below.
 *
 * @throws UserError where a galaxy of the predictions is not in the data set.
 */
export async function confusedPairs(
  { dataset, predictions }: MistakenGalaxies,
  { pairs = 5, perPair = 4, ...options }: ConfusedPairsOptions = {},
): Promise<Figure> {
  const { classNames, ids, probabilities } = predictions;
  const found = mostConfusedPairs(predictions, pairs);
  const rowOf = rowsById(dataset.table.id, dataset.name);
  const places = found.flatMap((pair) =>
    Array.from({ length: perPair }, (_, i) => ({ pair, row: pair.rows[i] as number | undefined })),
  );
  const wanted = places.flatMap(({ row }) => (row === undefined ? [] : [row]));
  const rows = wanted.map((row) => {
    const place = rowOf.get(idKey(ids[row]));
    if (place === undefined)
      throw new UserError(
        `The data set ${dataset.name} has no galaxy ${ids[row]}`,
        "Pass the data set that the predictions were made on.",
      );
    return place;
  });
  const uris = await pictureUris(
    rows.length === 0 ? new Uint8Array() : await dataset.read(rows),
    dataset.imageSize,
  );
  const uriOf = new Map(wanted.map((row, i) => [row, uris[i]]));
  const cells = places.map(({ pair, row }) => {
    const uri = row === undefined ? undefined : uriOf.get(row);
    if (row === undefined || uri === undefined) return undefined;
    const p = probabilities?.[row * classNames.length + pair.predicted];
    if (p === undefined) return { uri, hover: ids[row] };
    return { uri, caption: `p = ${p.toFixed(2)}`, hover: `${ids[row]}, p = ${p.toFixed(3)}` };
  });
  if (cells.length === 0) return noMistakes(options);
  const rowLabels = found.map(
    ({ label, predicted, count }) =>
      `${classNames[label]}\ntaken for ${classNames[predicted]}\n(${count} galaxies)`,
  );
  return imageGrid(cells, { columns: perPair, rowLabels, ...options });
}

function noMistakes(options: FigureOptions): Figure {
  const figure = imageGrid([], { columns: 1, columnLabels: [" "], ...options });
  const note = {
    text: "No mistakes",
    x: 0.5,
    y: 0.5,
    xref: "paper",
    yref: "paper",
    showarrow: false,
  };
  return { data: [], layout: { ...figure.layout, height: 60, annotations: [note] } };
}
