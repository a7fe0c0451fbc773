import { UserError } from "../core/errors";
import { colorMap, minMax } from "./color-maps";
import type { Figure } from "./figure";
import { imageGrid } from "./image-grid";
import { pictureUris } from "./pictures";
import type { FigureOptions } from "./theme";

/** Maps of attention, such as of each layer and head. */
export interface AttentionMaps {
  /** `[rows, columns, height, width]`, row-major; each map is stretched by itself. */
  readonly maps: ArrayLike<number> & {
    /** The values from `start` to before `end`. */
    slice(start: number, end: number): ArrayLike<number>;
  };
  /** Height and width of one map, patches. */
  readonly mapSize: readonly [height: number, width: number];
  /** Such as `layer 1` … */
  readonly rowLabels: readonly string[];
  /** Such as `head 1` … */
  readonly columnLabels: readonly string[];
}

/**
 * Attention of each layer (row) and head (column), dark for none to bright for most. Answers the
 * class-token maps of Caron et al. (2021, arXiv:2104.14294).
 *
 * @throws UserError where the maps do not fill the grid.
 */
export async function attentionGrid(
  { maps, mapSize, rowLabels, columnLabels }: AttentionMaps,
  options: FigureOptions = {},
): Promise<Figure> {
  const [height, width] = mapSize;
  const [size, n] = [height * width, rowLabels.length * columnLabels.length];
  if (maps.length !== size * n)
    throw new UserError(
      `${maps.length} values for ${rowLabels.length} × ${columnLabels.length} maps of ${height} × ${width}`,
      "Pass maps of shape [rows, columns, height, width].",
    );
  // Each patch as a block of pixels, or viewers would smooth a few pixels into a blur.
  const block = Math.max(1, Math.floor(112 / Math.max(height, width)));
  const uris: string[] = [];
  for (let i = 0; i < n; i++) {
    const values = minMax(maps.slice(i * size, (i + 1) * size));
    const blocks = new Float64Array(size * block * block);
    for (let at = 0; at < blocks.length; at++) {
      const [y, x] = [Math.floor(at / (width * block)), at % (width * block)];
      blocks[at] = values[Math.floor(y / block) * width + Math.floor(x / block)];
    }
    const shape = [height * block, width * block] as const;
    uris.push(...(await pictureUris(colorMap(blocks), shape, { format: "png" })));
  }
  const cells = uris.map((uri, i) => ({
    uri,
    hover: `${rowLabels[Math.floor(i / columnLabels.length)]}, ${columnLabels[i % columnLabels.length]}`,
  }));
  const colorBar = { title: "Attention, each map by itself" };
  const columns = columnLabels.length;
  return imageGrid(cells, { columns, rowLabels, columnLabels, colorBar, ...options });
}
