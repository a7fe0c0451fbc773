import { UserError } from "../core/errors";
import { asNumbers } from "../core/table";
import type { Dataset } from "./dataset";
import type { Instrument } from "./observation";

/**
 * How a data set's pictures were taken, as they are read now: cropped and resized pictures have other pixels
 * than those stored. Where galaxies have pixels of several widths, the median counts.
 *
 * @param seeing Full width at half maximum of the survey's point spread function, arcsec.
 * @throws UserError where the table has no column `pxscale`, arcsec a stored pixel
 */
export function instrumentOf(dataset: Dataset, seeing: number): Instrument {
  const { name, table, view, sourceSize, imageSize } = dataset;
  const scales = asNumbers(table.pxscale ?? [])
    .filter((scale) => scale > 0)
    .sort((a, b) => a - b);
  if (scales.length === 0) {
    throw new UserError(
      `${name} has no column pxscale, the width of a pixel in arcsec`,
      "say how the pictures were taken: { pixelScale: 0.262, seeing: 1.2 }",
    );
  }
  const stored = Math.min(...(sourceSize ?? imageSize));
  const shown = view.size === undefined ? imageSize[0] : Math.min(view.crop ?? stored, stored);
  return { pixelScale: (scales[scales.length >> 1] * shown) / imageSize[0], seeing };
}
