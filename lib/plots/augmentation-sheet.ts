import { UserError } from "../core/errors";
import type { Figure } from "./figure";
import { imageGrid } from "./image-grid";
import { pictureUris } from "./pictures";
import type { FigureOptions } from "./theme";

/** What each augmentation makes of the same galaxies. */
export interface AugmentationSheet {
  /** Augmentation, such as `original` or `rotation` → uint8 RGB `[n, height, width, 3]`. */
  readonly images: Readonly<Record<string, Uint8Array>>;
  /** Height and width of every image, pixels. */
  readonly imageSize: readonly [height: number, width: number];
}

/**
 * Augmentations (rows) of the same galaxies (columns).
 *
 * @throws UserError where the augmentations do not hold equally many images.
 */
export async function augmentationSheet(
  { images, imageSize }: AugmentationSheet,
  options: FigureOptions = {},
): Promise<Figure> {
  const names = Object.keys(images);
  const columns = images[names[0]].length / (imageSize[0] * imageSize[1] * 3);
  const cells = [];
  for (const name of names) {
    const uris = await pictureUris(images[name], imageSize);
    if (uris.length !== columns)
      throw new UserError(
        `"${name}" has ${uris.length} images, "${names[0]}" has ${columns}`,
        "Pass the same galaxies for every augmentation.",
      );
    cells.push(...uris.map((uri, i) => ({ uri, hover: `${name}, galaxy ${i + 1}` })));
  }
  return imageGrid(cells, { columns, rowLabels: names, ...options });
}
