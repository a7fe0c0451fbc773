import type { View } from "../data/dataset";
import type { PictureView } from "../models/description";

/** A view of pictures that shows galaxies as a model knows them, as far as that can be known. */
export interface MatchingView {
  /** How the images are read. */
  readonly view: View;
  /** What could not be known, and what to do about it; none where all was. */
  readonly warning?: string;
}

type Size = readonly [height: number, width: number];

/**
 * How pictures are read for a model, so that galaxies have the scale at which it learned them.
 *
 * Pictures of the stored size that the model learned from are cropped as those were. Of pictures of
 * another size nobody knows whether they show the same field more finely or a wider one: the same
 * share of them is taken, or, where the model saw whole pictures, what training on them would take.
 *
 * @param learned What the model's pictures were; undefined where its file does not say.
 * @param size Side that the network takes, pixels.
 * @param sourceSize Of the pictures now, pixels; undefined where they differ from each other.
 * @param usual Side of the middle that training on such pictures would take; undefined: all of it.
 */
export function matchingView(
  learned: PictureView | undefined,
  size: number,
  sourceSize: Size | undefined,
  usual: number | undefined,
): MatchingView {
  const interpolation = learned?.interpolation;
  const make = (crop: number | undefined): View => ({
    size,
    ...(crop === undefined ? {} : { crop }),
    ...(interpolation === undefined ? {} : { interpolation }),
  });
  const before = learned?.sourceSize;
  if (learned !== undefined && before !== undefined && sameSize(before, sourceSize)) {
    return { view: make(learned.crop) };
  }
  const [was, now] = [describe(before), describe(sourceSize)];
  const side = before && Math.min(...before);
  const share = side && learned?.crop && learned.crop < side ? learned.crop / side : undefined;
  const crop =
    share !== undefined && sourceSize ? Math.round(share * Math.min(...sourceSize)) : usual;
  const taken = crop === undefined ? "all of each is taken" : `their middle ${crop} are taken`;
  const warning = `the model learned from ${was}, these are ${now}: ${taken}; if galaxies look larger or smaller so than they did to the model, give the crop in pixels`;
  return { view: make(crop), warning };
}

function sameSize(a: Size, b: Size | undefined): boolean {
  return b !== undefined && a[0] === b[0] && a[1] === b[1];
}

function describe(size: Size | undefined): string {
  return size === undefined
    ? "pictures of a size that is not known"
    : `pictures of ${size[0]} × ${size[1]} pixels`;
}
