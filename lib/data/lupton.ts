import { UserError } from "../core/errors";

/** How {@link luptonRgb} stretches. */
export interface LuptonOptions {
  /** Intensity shown black, one number or one for each of red, green, blue; 0 by default. */
  readonly minimum?: number | readonly [number, number, number];
  /** Width of the linear part, in the images' unit; 5 by default. */
  readonly stretch?: number;
  /** Asinh softening: large values compress bright parts more; 8 by default. */
  readonly Q?: number;
}

/**
 * An RGB image of three bands whose colors do not depend on brightness.
 *
 * The mean intensity is stretched by asinh, and the three bands are scaled together; a pixel
 * brighter than white keeps its color. NaN is black.
 *
 * @param red An image, first row first, for example in the i band.
 * @param green One of equal length, for example in r.
 * @param blue One of equal length, for example in g.
 * @returns uint8 RGB, three values a pixel, in the order of the input.
 * @see Lupton et al. 2004, PASP 116, 133
 */
export function luptonRgb(
  red: ArrayLike<number>,
  green: ArrayLike<number>,
  blue: ArrayLike<number>,
  options: LuptonOptions = {},
): Uint8Array {
  const { minimum = 0, stretch = 5, Q = 8 } = options;
  if (red.length !== green.length || red.length !== blue.length) {
    throw new UserError(
      `The three bands have ${red.length}, ${green.length} and ${blue.length} pixels.`,
      "Give three images of one size.",
    );
  }
  if (!(stretch > 0) || !(Q >= 0)) {
    throw new UserError(
      `Lupton stretch ${stretch}, Q ${Q}; expected stretch > 0 and Q ≥ 0.`,
      "Correct the value.",
    );
  }
  const [minRed, minGreen, minBlue] =
    typeof minimum === "number" ? [minimum, minimum, minimum] : minimum;
  // Q → 0 is the linear stretch; the slope is the one at a tenth of the stretch.
  const softening = Math.max(Q, 1e-6);
  const slope = 25.5 / Math.asinh(0.1 * softening);
  const out = new Uint8Array(3 * red.length);
  for (let i = 0; i < red.length; i++) {
    const r = red[i] - minRed;
    const g = green[i] - minGreen;
    const b = blue[i] - minBlue;
    const intensity = (r + g + b) / 3;
    if (!(intensity > 0)) continue;
    const factor = (Math.asinh((softening * intensity) / stretch) * slope) / intensity;
    const brightest = Math.max(r, g, b) * factor;
    const scale = brightest > 255 ? (factor * 255) / brightest : factor;
    out[3 * i] = Math.max(0, r * scale);
    out[3 * i + 1] = Math.max(0, g * scale);
    out[3 * i + 2] = Math.max(0, b * scale);
  }
  return out;
}

/** Band weights of the Legacy Survey viewer: z is red, r green, g blue. */
const legacyScale = { g: 6.0, r: 3.4, z: 2.2 };
const legacyPedestal = 0.03;
const legacyQ = 20;

/**
 * An RGB image of g, r and z as the Legacy Survey viewer draws it, so as Galaxy10 DECaLS looks:
 * fixed weights a band, a pedestal that lifts the sky to dark gray, asinh of the mean.
 *
 * @param g Fluxes, nanomaggies a pixel of 0.262″.
 * @param r As many.
 * @param z As many.
 * @returns uint8 RGB, three values a pixel.
 */
export function legacyRgb(
  g: ArrayLike<number>,
  r: ArrayLike<number>,
  z: ArrayLike<number>,
): Uint8Array {
  const out = new Uint8Array(3 * r.length);
  const root = Math.sqrt(legacyQ);
  for (let i = 0; i < r.length; i++) {
    const red = Math.max(0, z[i] * legacyScale.z + legacyPedestal);
    const green = Math.max(0, r[i] * legacyScale.r + legacyPedestal);
    const blue = Math.max(0, g[i] * legacyScale.g + legacyPedestal);
    const intensity = (red + green + blue) / 3;
    if (!(intensity > 0)) continue;
    const factor = (255 * Math.asinh(legacyQ * intensity)) / root / intensity;
    out[3 * i] = Math.min(255, Math.round(red * factor));
    out[3 * i + 1] = Math.min(255, Math.round(green * factor));
    out[3 * i + 2] = Math.min(255, Math.round(blue * factor));
  }
  return out;
}

/**
 * The fluxes of an RGB image that {@link legacyRgb} drew, but for what white hides and for rounding.
 *
 * @param rgb uint8 RGB, three values a pixel.
 * @returns z, r and g, nanomaggies a pixel of 0.262″: the bands of red, green and blue
 */
export function legacyFluxes(
  rgb: ArrayLike<number>,
): [z: Float64Array, r: Float64Array, g: Float64Array] {
  const pixels = rgb.length / 3;
  const planes = Array.from({ length: 3 }, () => new Float64Array(pixels));
  const scales = [legacyScale.z, legacyScale.r, legacyScale.g];
  const root = Math.sqrt(legacyQ);
  for (let i = 0; i < pixels; i++) {
    const mean = (rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2]) / 3;
    const intensity = Math.sinh((root * mean) / 255) / legacyQ;
    for (let c = 0; c < 3; c++) {
      const band = mean > 0 ? (rgb[3 * i + c] / mean) * intensity : 0;
      planes[c][i] = (band - legacyPedestal) / scales[c];
    }
  }
  return planes as [Float64Array, Float64Array, Float64Array];
}
