import { Random } from "../core/random";
import type { Dataset } from "../data/dataset";
import type { Figure } from "./figure";
import { imageGrid } from "./image-grid";
import { pictureUris } from "./pictures";
import type { FigureOptions } from "./theme";

/** How {@link sampleGrid} is drawn. */
export interface SampleGridOptions extends FigureOptions {
  /** Pictures of each class. Default: 5. */
  readonly perClass?: number;
  /** Seed of the draw: another one, other galaxies. Default: 0. */
  readonly seed?: number;
}

/** Galaxies of every class, drawn at random: a row a class. */
export async function sampleGrid(
  dataset: Pick<Dataset, "classNames" | "table" | "imageSize" | "read">,
  { perClass = 5, seed = 0, ...options }: SampleGridOptions = {},
): Promise<Figure> {
  const { id, label } = dataset.table;
  const order = new Random(seed, "sample grid").permutation(label.length);
  const places = dataset.classNames.flatMap((_, c) => {
    const found = Array.from(order.filter((row) => Number(label[row]) === c).subarray(0, perClass));
    return Array.from({ length: perClass }, (_, i): number | undefined => found[i]);
  });
  const rows = places.filter((row) => row !== undefined);
  const uris = await pictureUris(await dataset.read(rows), dataset.imageSize);
  const uriOf = new Map(rows.map((row, i) => [row, uris[i]]));
  const cells = places.map((row) => {
    const uri = row === undefined ? undefined : uriOf.get(row);
    return uri && row !== undefined ? { uri, hover: String(id[row]) } : undefined;
  });
  return imageGrid(cells, { columns: perClass, rowLabels: dataset.classNames, ...options });
}
