import { Random } from "../core/random";
import { buildGalaxy } from "./galaxy-model";
import { drawGalaxy, type GalaxyParameters } from "./galaxy-parameters";
import { Sky } from "./sky";

/** One synthetic galaxy. */
export interface SyntheticGalaxy {
  /** uint8 RGB `[size, size, 3]`. */
  readonly image: Uint8Array;
  /** What it was made with. */
  readonly truth: GalaxyParameters;
  /** Right ascension, degrees, drawn at random on the sky. */
  readonly ra: number;
  /** Declination, degrees. */
  readonly dec: number;
  /** From its distance, with a Hubble constant of 70 km/s/Mpc. */
  readonly redshift: number;
}

/** Width of every image on the sky, arcsec, whatever its number of pixels. */
export const fieldOfView = 38.4;

/**
 * Galaxies a class in Galaxy10 DECaLS (17,736 in all). Their square roots are the chances here:
 * the same order of classes, with enough of the rarest to learn from.
 */
const decalsCounts = [1081, 1853, 2645, 2027, 334, 2043, 1829, 2628, 1423, 1873];

/**
 * Make one galaxy. The same seed and index give the same image on any machine, whatever else is
 * made beside it.
 */
export function makeGalaxy(seed: number, index: number, size: number): SyntheticGalaxy {
  const random = new Random(seed, `galaxy ${index}`);
  const truth = drawGalaxy(drawLabel(random), random);
  const image = observeGalaxy(truth, size, { build: random, field: random, noise: random });
  // Half-light radii of bright galaxies scatter around 4 kpc; d = c z / H₀ with 70 km/s/Mpc.
  const kiloparsec = 4 * 10 ** random.normal(0, 0.15);
  const megaparsec = (kiloparsec / 1000 / truth.radius) * 206265;
  const dec = (Math.asin(random.uniform(-0.3, 0.53)) * 180) / Math.PI;
  const redshift = (megaparsec * 70) / 299792.458;
  return { image, truth, ra: random.uniform(0, 360), dec, redshift };
}

/**
 * Draw a galaxy of given parameters on a piece of sky.
 *
 * @param size Height and width of the image, pixels.
 * @param random Where chance comes from: how the galaxy is built (where arms begin, which way they
 * turn), what else lies in the field, and noise. Three sequences, so that a change of the galaxy
 * leaves the rest as it was.
 * @param noiseFactor Noise by that of the survey: 1 by default, 0 for none.
 * @returns uint8 RGB `[size, size, 3]`
 */
export function observeGalaxy(
  truth: GalaxyParameters,
  size: number,
  random: { readonly build: Random; readonly field: Random; readonly noise: Random },
  noiseFactor = 1,
): Uint8Array {
  const sky = new Sky(size, fieldOfView / size);
  for (const body of buildGalaxy(truth, random.build)) sky.addGalaxy(body);
  sky.addField(random.field);
  return sky.observe(random.noise, noiseFactor);
}

function drawLabel(random: Random): number {
  const chances = decalsCounts.map(Math.sqrt);
  let at = random.uniform(
    0,
    chances.reduce((a, b) => a + b, 0),
  );
  const label = chances.findIndex((chance) => {
    at -= chance;
    return at < 0;
  });
  return Math.max(label, 0);
}
