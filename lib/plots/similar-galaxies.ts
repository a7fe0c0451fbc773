import { UserError } from "../core/errors";
import type { Dataset } from "../data/dataset";
import type { Figure } from "./figure";
import { type GridCell, imageGrid } from "./image-grid";
import { pictureUris } from "./pictures";
import type { FigureOptions } from "./theme";

/** Galaxies, and those that are most like them. */
export interface SimilarGalaxies {
  /** Where the pictures of all are. */
  readonly dataset: Pick<Dataset, "classNames" | "table" | "imageSize" | "read">;
  /** Rows of the data set that were asked about. */
  readonly queries: ArrayLike<number>;
  /** What is most like them. */
  readonly neighbors: {
    /** Row of the data set of each neighbor, `[queries, k]`, the nearest first. */
    readonly rows: ArrayLike<number>;
    /** Cosine of the angle between the features of both, `[queries, k]`. */
    readonly similarity: ArrayLike<number>;
    /** Neighbors of each. */
    readonly k: number;
  };
}

/** How {@link similarGalaxies} is drawn. */
export interface SimilarGalaxiesOptions extends FigureOptions {
  /** Neighbors shown of each query. Default: 5. */
  readonly most?: number;
}

/**
 * "More like this": a row a query, the query itself first with its class below, then what is most like it, with
 * the cosine of their features. A frame marks those of another class.
 *
 * @throws UserError where there are not as many neighbors as the queries need
 */
export async function similarGalaxies(
  { dataset, queries, neighbors }: SimilarGalaxies,
  { most = 5, ...options }: SimilarGalaxiesOptions = {},
): Promise<Figure> {
  const { rows, similarity, k } = neighbors;
  if (rows.length !== queries.length * k) {
    throw new UserError(
      `${rows.length} neighbors are not ${k} of each of ${queries.length} galaxies`,
      "pass the neighbors of these galaxies",
    );
  }
  const { id, label } = dataset.table;
  const labelOf = (row: number) => Number(label?.[row] ?? -1);
  const className = (row: number) => dataset.classNames[labelOf(row)] ?? "";
  const places = Array.from(queries).flatMap((query, q) => {
    const found = Array.from({ length: k }, (_, i) => q * k + i)
      .filter((at) => rows[at] !== query)
      .slice(0, most)
      .map((at) => ({ row: rows[at], caption: similarity[at].toFixed(3), query }));
    const own = { row: query, caption: className(query) || "query", query };
    return Array.from({ length: most + 1 }, (_, i) => [own, ...found].at(i));
  });
  const shown = places.flatMap((place) => (place === undefined ? [] : [place.row]));
  const uris = await pictureUris(await dataset.read(shown), dataset.imageSize);
  let next = 0;
  const cells = places.map((place): GridCell | undefined => {
    if (place === undefined) return undefined;
    const { row, query, caption } = place;
    const [own, asked] = [row, query].map(labelOf);
    const marked = own >= 0 && asked >= 0 && own !== asked;
    return { uri: uris[next++], caption, hover: `${id[row]} ${className(row)}`.trim(), marked };
  });
  return imageGrid(cells, { columns: most + 1, ...options });
}
