/** Galaxy Zoo's 424-pixel images hold the galaxy in the middle; arXiv:2110.01024 crops them to 224. */
const GALAXY_ZOO = { side: 424, crop: 224 };

/**
 * Side of the middle that training takes of images of this size unless a config says otherwise.
 *
 * @returns pixels; undefined for all of the image
 */
export function usualCrop(sourceSize: readonly [number, number] | undefined): number | undefined {
  const side = sourceSize === undefined ? 0 : Math.min(...sourceSize);
  if (side < GALAXY_ZOO.side) return undefined;
  return Math.round((side * GALAXY_ZOO.crop) / GALAXY_ZOO.side);
}
