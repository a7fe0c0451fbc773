import { resizeImage } from "../core/resize";
import { minMax, overlay } from "./color-maps";
import type { Figure } from "./figure";
import { type GridCell, imageGrid } from "./image-grid";
import { pictureUris } from "./pictures";
import type { FigureOptions } from "./theme";

/** A galaxy with one map a method. */
export interface SaliencyRow {
  /** Such as the class, or true → predicted. */
  readonly name: string;
  /** uint8 RGB `[height, width, 3]`. */
  readonly pixels: Uint8Array;
  /** Method, such as `rollout` → its map, `[mapHeight, mapWidth]`. */
  readonly maps: Readonly<
    Record<
      string,
      {
        /** Row-major, any unit: each map is stretched by itself. */
        readonly values: ArrayLike<number>;
        /** Its height and width. */
        readonly size: readonly [height: number, width: number];
      }
    >
  >;
}

/** What {@link saliencyOverlay} draws. */
export interface SaliencySheet {
  /** Galaxies, with the same methods in the same order. */
  readonly rows: readonly SaliencyRow[];
  /** Height and width of every row's `pixels`. */
  readonly imageSize: readonly [height: number, width: number];
}

/**
 * Galaxies (rows) beside what each method or model looks at (columns): the map in color over the
 * picture in gray, stretched from its least to its greatest value.
 *
 * @throws UserError where the pixels do not fill images of that size.
 */
export async function saliencyOverlay(
  { rows, imageSize }: SaliencySheet,
  options: FigureOptions = {},
): Promise<Figure> {
  const methods = Object.keys(rows[0].maps);
  const cells: GridCell[] = [];
  for (const { name, pixels, maps } of rows) {
    const pictures = [pixels];
    for (const method of methods) {
      const { values, size } = maps[method];
      pictures.push(overlay(pixels, resizeImage(minMax(values), size, imageSize, 1)));
    }
    const all = new Uint8Array(pictures.length * pixels.length);
    pictures.forEach((picture, i) => {
      all.set(picture, i * pixels.length);
    });
    const uris = await pictureUris(all, imageSize);
    uris.forEach((uri, i) => {
      cells.push({ uri, hover: i === 0 ? name : `${name}: ${methods[i - 1]}` });
    });
  }
  return imageGrid(cells, {
    columns: methods.length + 1,
    rowLabels: rows.map(({ name }) => name),
    columnLabels: ["image", ...methods],
    colorBar: { title: "Weight for the answer, each map by itself" },
    ...options,
  });
}
