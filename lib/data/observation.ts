import { UserError } from "../core/errors";
import { Random } from "../core/random";
import { resizeImage } from "../core/resize";
import { angularDistance } from "./angular-size";
import { gaussianBlur } from "./gaussian-blur";
import { legacyFluxes, legacyRgb } from "./lupton";

/** How pictures were taken. */
export interface Instrument {
  /** Width of a pixel of the pictures, arcsec. */
  readonly pixelScale: number;
  /** Full width at half maximum of the point spread function, arcsec. */
  readonly seeing: number;
  /**
   * How light became color: `legacy` as the Legacy Survey viewer draws it, whose stretch is undone first and
   * done again at the end; `linear` where values are in proportion to light. Default `legacy`.
   */
  readonly stretch?: "legacy" | "linear";
}

/** How galaxies are to be seen instead. What is left out stays as it was. */
export interface Observation {
  /** Full width at half maximum of the point spread function, arcsec; not below what the picture has. */
  readonly seeing?: number;
  /** Change of the limiting magnitude, magnitudes: −1 is 2.5 times the noise. Not above 0. */
  readonly depth?: number;
  /** Width of a pixel, arcsec; not below that of the picture. The result is brought back to its size. */
  readonly pixelScale?: number;
  /**
   * From which redshift to which the galaxy moves away. It gets smaller, and fainter by (1 + z)⁻⁴ a square
   * arcsecond (Tolman 1930); its colors and its age stay (no K correction, no evolution).
   */
  readonly redshift?: readonly [from: number, to: number];
}

type Size = readonly [height: number, width: number];

/**
 * A galaxy as another telescope would see it, or as it would look farther away: shrunk and dimmed, blurred,
 * in larger pixels, in more noise. In the manner of FERENGI (Barden et al. 2008, arXiv:0801.0795), on a
 * picture in place of calibrated exposures.
 *
 * The noise of the sky is measured in the picture's margin; what is left of it after shrinking and blurring is
 * filled up to what the new observation has. That of the galaxy's own light is left out: it matters in
 * centers only.
 *
 * @param image uint8 RGB `[height, width, 3]`.
 * @param seed Of the noise.
 * @returns uint8 RGB of the same size
 * @throws UserError where the new picture would have to be sharper, deeper or nearer than the old one
 */
export function observeAgain(
  image: ArrayLike<number>,
  size: Size,
  { pixelScale, seeing, stretch = "legacy" }: Instrument,
  to: Observation,
  seed: number,
): Uint8Array {
  const [before, after] = to.redshift ?? [0, 0];
  const shrink = before === after ? 1 : angularDistance(before) / angularDistance(after);
  const dim = ((1 + before) / (1 + after)) ** 4;
  const pixel = to.pixelScale ?? pixelScale;
  const noise = 10 ** (-0.4 * (to.depth ?? 0));
  const wide = to.seeing ?? seeing;
  refuseBetter(to, { pixelScale, seeing });
  const sigma = Math.sqrt(Math.max(wide ** 2 - (seeing * shrink) ** 2, 0)) / 2.3548 / pixelScale;
  const coarse = size.map((n) => Math.max(1, Math.round((n * pixelScale) / pixel))) as [
    number,
    number,
  ];
  const see = (plane: Float64Array) => {
    const moved = shrunk(plane, size, shrink).map((value) => value * dim);
    const blurred = gaussianBlur(moved, size, sigma);
    return pixel === pixelScale ? blurred : resizePlane(blurred, size, coarse);
  };
  const random = new Random(seed, "observation");
  const planes = stretch === "legacy" ? legacyFluxes(image) : linearPlanes(image);
  const seen = planes.map((plane) => {
    const sky = skyNoise(plane, size);
    const light = see(plane);
    // What becomes of noise on the way, where there is any: beyond the old edges there is none.
    const white = Float64Array.from(plane, () => random.normal());
    const left = see(white).filter((value) => Math.abs(value) > 1e-12);
    const inside = (sky * deviation(left)) / deviation(white);
    const [rows, columns] = coarse;
    const target = (sky * noise * pixelScale) / pixel;
    return light.map((value, i) => {
      const [y, x] = [Math.floor(i / columns) + 0.5, (i % columns) + 0.5];
      const within =
        Math.abs(y - rows / 2) < (shrink * rows) / 2 &&
        Math.abs(x - columns / 2) < (shrink * columns) / 2;
      const missing = target ** 2 - (within ? inside ** 2 : 0);
      return value + Math.sqrt(Math.max(missing, 0)) * random.normal();
    });
  });
  const [red, green, blue] = seen.map((plane) =>
    pixel === pixelScale ? plane : resizePlane(plane, coarse, size),
  );
  if (stretch === "legacy") return legacyRgb(blue, green, red);
  const out = new Uint8ClampedArray(3 * red.length);
  for (const [c, plane] of [red, green, blue].entries()) {
    for (let i = 0; i < plane.length; i++) out[3 * i + c] = plane[i];
  }
  return new Uint8Array(out.buffer);
}

function refuseBetter(to: Observation, from: Instrument): void {
  const [before, after] = to.redshift ?? [0, 0];
  const wrong =
    (to.seeing ?? from.seeing) < from.seeing
      ? `a seeing of ${to.seeing}″ from a picture of ${from.seeing}″`
      : (to.pixelScale ?? from.pixelScale) < from.pixelScale
        ? `pixels of ${to.pixelScale}″ from pixels of ${from.pixelScale}″`
        : (to.depth ?? 0) > 0
          ? `a depth of ${to.depth} magnitudes more`
          : after < before
            ? `redshift ${after} from redshift ${before}`
            : to.redshift !== undefined && !(before > 0)
              ? `redshift ${after} from redshift ${before}, which has no distance`
              : undefined;
  if (wrong === undefined) return;
  throw new UserError(
    `no picture can be made with ${wrong}`,
    "ask for a blurred, coarser, shallower or more distant one",
  );
}

function linearPlanes(image: ArrayLike<number>): Float64Array[] {
  return [0, 1, 2].map((c) =>
    Float64Array.from({ length: image.length / 3 }, (_, i) => image[3 * i + c]),
  );
}

/** A plane shrunk about its middle; around it there is no light. */
function shrunk(plane: Float64Array, [height, width]: Size, factor: number): Float64Array {
  const small = [height, width].map((n) => Math.max(1, Math.round(n * factor))) as [number, number];
  if (small[0] === height && small[1] === width) return plane;
  const resized = resizePlane(plane, [height, width], small);
  const out = new Float64Array(plane.length);
  const [top, left] = [(height - small[0]) >> 1, (width - small[1]) >> 1];
  for (let y = 0; y < small[0]; y++) {
    const row = resized.subarray(y * small[1], (y + 1) * small[1]);
    out.set(row, (top + y) * width + left);
  }
  return out;
}

function resizePlane(plane: Float64Array, from: Size, to: Size): Float64Array {
  return Float64Array.from(resizeImage(plane, from, to, 1));
}

/** Standard deviation of the sky, from differences of neighbors in the outer tenth of a picture. */
function skyNoise(plane: Float64Array, [height, width]: Size): number {
  const margin = Math.max(2, Math.round(Math.min(height, width) / 10));
  const differences: number[] = [];
  for (let y = 0; y < height; y++) {
    const edge = y < margin || y >= height - margin;
    for (let x = 0; x + 1 < width; x++) {
      if (!edge && x >= margin && x + 1 < width - margin) continue;
      differences.push(Math.abs(plane[y * width + x + 1] - plane[y * width + x]));
    }
  }
  differences.sort((a, b) => a - b);
  // The median of |N(0, 1)| is 0.6745, and a difference has twice the variance.
  return differences[differences.length >> 1] / 0.6745 / Math.SQRT2;
}

function deviation(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / (values.length || 1));
}
