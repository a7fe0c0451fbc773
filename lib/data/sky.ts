import type { Random } from "../core/random";
import { sersic } from "./galaxy-light";
import type { Body } from "./galaxy-model";
import { gaussianBlur } from "./gaussian-blur";
import { legacyRgb } from "./lupton";

/** The three bands, in this order throughout: g, r, z. */
const bands = [0, 1, 2] as const;
/** Sky brightness in g, r, z, nanomaggies an arcsec² (22.3, 21.0 and 19.0 mag an arcsec²). */
const skyBrightness = [1.2, 4.0, 25.1] as const;
/** Electrons that one nanomaggy gives in a coadd of the DECam Legacy Survey's depth. */
const gain = [16000, 16000, 20000] as const;
/** Electrons of read noise in a pixel, all exposures together. */
const readNoise = 12;
/** Median seeing in g, r, z: full width at half maximum, arcsec. */
const seeing = [1.3, 1.2, 1.1] as const;
/** Area of a DECam pixel, arcsec²: the viewer's stretch is defined for it. */
const nativeArea = 0.262 ** 2;

/** Flux in nanomaggies of an AB magnitude. */
export function nanomaggies(magnitude: number): number {
  return 10 ** ((22.5 - magnitude) / 2.5);
}

/** Flux ratios to r in g, r, z: stars and galaxies lie close to one line in g − r, r − z. */
function spectrum(color: number): readonly [number, number, number] {
  const rz = 0.08 + 0.68 * color;
  return [10 ** (-0.4 * color), 1, 10 ** (0.4 * rz)];
}

/** A piece of sky seen in g, r and z: light is added, then it is observed. */
export class Sky {
  /** Light in nanomaggies an arcsec², `[band][size × size]`, before the atmosphere. */
  private readonly light: readonly Float64Array[];

  /**
   * @param size Height and width, pixels.
   * @param pixel Pixel scale, arcsec.
   */
  constructor(
    readonly size: number,
    readonly pixel: number,
  ) {
    this.light = bands.map(() => new Float64Array(size * size));
  }

  /** Add a galaxy; near its center each pixel is the mean of 2 × 2 samples. */
  addGalaxy(body: Body): void {
    const { size, pixel } = this;
    const flux = nanomaggies(body.magnitude);
    const parts = body.components.map(({ profile, fraction, color }) => ({
      profile,
      weights: spectrum(color).map((ratio) => ratio * fraction * flux),
    }));
    const cos = Math.cos(body.angle);
    const sin = Math.sin(body.angle);
    const fine = (2 * body.radius) ** 2;
    const [g, r, z] = this.light;
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const dx = (column + 0.5 - size / 2) * pixel - body.x;
        const dy = (row + 0.5 - size / 2) * pixel - body.y;
        const samples = dx * dx + dy * dy < fine ? 2 : 1;
        const at = row * size + column;
        for (let s = 0; s < samples * samples; s++) {
          const sx = samples === 1 ? dx : dx + ((s & 1) - 0.5) * 0.5 * pixel;
          const sy = samples === 1 ? dy : dy + ((s >> 1) - 0.5) * 0.5 * pixel;
          let x = cos * sx + sin * sy;
          let y = cos * sy - sin * sx;
          if (body.lopsidedness > 0 || body.bend !== 0) {
            const d = Math.sqrt(x * x + y * y);
            x -= (body.lopsidedness * body.scale * d) / (d + 2 * body.scale);
            y -= (body.bend * x * x) / (body.scale + 0.3 * d);
          }
          for (let i = 0; i < parts.length; i++) {
            const { profile, weights } = parts[i];
            const value = profile(x, y) / (samples * samples);
            g[at] += value * weights[0];
            r[at] += value * weights[1];
            z[at] += value * weights[2];
          }
        }
      }
    }
  }

  /** Add a point of light, spread over the four nearest pixels. */
  addStar(x: number, y: number, magnitude: number, color: number): void {
    const column = x / this.pixel + this.size / 2 - 0.5;
    const row = y / this.pixel + this.size / 2 - 0.5;
    const [c0, r0] = [Math.floor(column), Math.floor(row)];
    const ratios = spectrum(color);
    const flux = nanomaggies(magnitude) / (this.pixel * this.pixel);
    for (const [r, c] of [
      [r0, c0],
      [r0, c0 + 1],
      [r0 + 1, c0],
      [r0 + 1, c0 + 1],
    ]) {
      if (r < 0 || c < 0 || r >= this.size || c >= this.size) continue;
      const share = (1 - Math.abs(row - r)) * (1 - Math.abs(column - c));
      for (const band of bands) this.light[band][r * this.size + c] += flux * share * ratios[band];
    }
  }

  /** Add the stars and small galaxies that happen to lie in front and behind. */
  addField(random: Random): void {
    const half = (this.size * this.pixel) / 2;
    const place = () => random.uniform(-half, half);
    const area = 4 * half * half;
    const stars = poisson(area * 0.0011, random);
    for (let i = 0; i < stars; i++) {
      // Counts rise with magnitude as 10^(0.25 m).
      const magnitude = 23 + Math.log10(random.uniform(1e-3, 1)) / 0.28;
      const color = random.uniform() < 0.6 ? random.normal(1.35, 0.15) : random.normal(0.55, 0.2);
      this.addStar(place(), place(), magnitude, color);
    }
    const galaxies = poisson(area * 0.0022, random);
    for (let i = 0; i < galaxies; i++) {
      const magnitude = 23.3 + Math.log10(random.uniform(2e-3, 1)) / 0.45;
      const radius = random.uniform(0.3, 0.7) * 10 ** (0.08 * (23.3 - magnitude));
      const profile = sersic(radius, random.uniform(0.8, 2.5), random.uniform(0.3, 1));
      this.addGalaxy({
        x: place(),
        y: place(),
        angle: random.uniform(0, Math.PI),
        magnitude,
        radius,
        scale: radius,
        lopsidedness: 0,
        bend: 0,
        components: [{ profile, fraction: 1, color: random.normal(0.9, 0.35) }],
      });
    }
  }

  /**
   * Look at it through atmosphere and camera.
   *
   * @param noiseFactor Noise by that of the survey: 1 by default, 0 for none.
   * @returns uint8 RGB `[size, size, 3]`, drawn as the Legacy Survey viewer does.
   */
  observe(random: Random, noiseFactor = 1): Uint8Array {
    const blur = Math.exp(random.normal(0, 0.08));
    const area = this.pixel * this.pixel;
    const seen = bands.map((band) => {
      const image = this.light[band];
      convolvePsf(image, this.size, (seeing[band] * blur) / this.pixel);
      const background = skyBrightness[band] * area * gain[band];
      for (let i = 0; i < image.length; i++) {
        // Above some hundred electrons, as the sky alone gives, Poisson's law is normal.
        const electrons = image[i] * area * gain[band];
        const noise = noiseFactor * Math.sqrt(electrons + background + readNoise * readNoise);
        image[i] = ((electrons + noise * random.normal()) / gain[band] / area) * nativeArea;
      }
      return image;
    });
    return legacyRgb(seen[0], seen[1], seen[2]);
  }
}

/** Blur by a core of 85 % and wings of 15 % of twice its width: nearly Moffat's law of seeing. */
function convolvePsf(image: Float64Array, size: number, fwhm: number): void {
  const sigma = fwhm / 2.47;
  const core = gaussianBlur(image, [size, size], sigma);
  const wings = gaussianBlur(image, [size, size], 2 * sigma);
  for (let i = 0; i < image.length; i++) image[i] = 0.85 * core[i] + 0.15 * wings[i];
}

function poisson(mean: number, random: Random): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.uniform(); product > limit; product *= random.uniform()) count++;
  return count;
}
