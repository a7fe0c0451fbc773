import { d4Square, d4Symmetries } from "../core/d4";
import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import { type Pictures, pictureCount } from "../predict/image-batch";
import { explain } from "./methods";
import { mapOf, type SaliencyMaps } from "./saliency-maps";
import type { Target } from "./target";

/** Whether a model looks at the same part of a galaxy however that is turned. */
export interface RotationConsistency {
  /** The picture turned by 0, 90, 180, 270 degrees (counter-clockwise), as it was shown. */
  readonly turned: Pictures;
  /** The four maps, turned back. */
  readonly maps: SaliencyMaps;
  /** Mean Pearson correlation of the three with the first, −1…1; NaN where a map is flat. */
  readonly correlation: number;
}

/**
 * Turn a picture by quarter turns, which resample nothing, and compare what the model looks at. A
 * galaxy has no upper side: 1 is ideal.
 *
 * @param picture One square picture.
 * @throws UserError when it is not one, or not square
 */
export async function rotationConsistency(
  model: Model,
  picture: Pictures,
  method: string,
  target?: Target,
): Promise<RotationConsistency> {
  const [side, width] = picture.size;
  if (pictureCount(picture) !== 1 || side !== width) {
    throw new UserError(
      `${pictureCount(picture)} pictures of ${side} × ${width} pixels`,
      "give one square picture",
    );
  }
  const pixels = new Uint8Array(4 * picture.pixels.length);
  for (let turn = 0; turn < 4; turn++) {
    pixels.set(d4Square(picture.pixels, side, 3, d4Symmetries[turn]), turn * picture.pixels.length);
  }
  const turned = { pixels, size: picture.size };
  const seen = await explain(model, turned, method, target);
  const values = new Float32Array(seen.values.length);
  const back = [0, 1, 2, 3].map((turn) =>
    d4Square(mapOf(seen, turn), seen.size[0], 1, d4Symmetries[(4 - turn) % 4]),
  );
  back.forEach((map, turn) => {
    values.set(map, turn * map.length);
  });
  const others = back.slice(1).map((map) => pearson(back[0], map));
  const correlation = others.reduce((sum, r) => sum + r, 0) / others.length;
  return { turned, maps: { values, size: seen.size }, correlation };
}

function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const mean = (v: ArrayLike<number>) => Array.from(v).reduce((s, x) => s + x, 0) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : Number.NaN;
}
