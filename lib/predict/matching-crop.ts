import type { PictureView } from "../models/description";

/** How pictures are cropped so that a model sees galaxies as large as those it learned from. */
export interface MatchingCrop {
  /** Side of the square cut out of the middle, source pixels; none: all of the picture. */
  readonly crop?: number;
  /** What could not be known, and what to do about it; none where all was. */
  readonly warning?: string;
}

type Size = readonly [height: number, width: number];

/**
 * How pictures are cropped for a model, so that galaxies have the scale at which it learned them.
 *
 * Pictures of the stored size that the model learned from are cropped as those were. Of pictures of
 * another size nobody knows whether they show the same field more finely or a wider one: what training
 * on them would take is taken, by the share that the model's own crop was of that.
 *
 * @param learned What the model's pictures were; undefined where its file does not say.
 * @param sourceSize Of the pictures now, pixels; undefined where they differ from each other.
 * @param usualCrop Side of the middle that training takes of pictures of a size; undefined: all of it.
 */
export function matchingCrop(
  learned: PictureView | undefined,
  sourceSize: Size | undefined,
  usualCrop: (sourceSize: Size | undefined) => number | undefined,
): MatchingCrop {
  const before = learned?.sourceSize;
  if (before !== undefined && sourceSize !== undefined && sameSize(before, sourceSize)) {
    return learned?.crop === undefined ? {} : { crop: learned.crop };
  }
  let crop = usualCrop(sourceSize);
  if (before !== undefined && sourceSize !== undefined) {
    const [was, now] = [Math.min(...before), Math.min(...sourceSize)];
    const share = Math.min(learned?.crop ?? was, was) / (usualCrop(before) ?? was);
    const side = Math.round(share * (crop ?? now));
    crop = side < now ? side : undefined;
  }
  const taken = crop === undefined ? "all of each is taken" : `their middle ${crop} are taken`;
  const warning =
    `the model learned from ${describe(before)}, these are ${describe(sourceSize)}: ${taken}; ` +
    "if galaxies look larger or smaller so than they did to the model, give the crop in pixels";
  return { ...(crop === undefined ? {} : { crop }), warning };
}

function sameSize(a: Size, b: Size): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

function describe(size: Size | undefined): string {
  return size === undefined
    ? "pictures of a size that is not known"
    : `pictures of ${size[0]} × ${size[1]} pixels`;
}
