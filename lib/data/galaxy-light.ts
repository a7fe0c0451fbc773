import { logGamma } from "../core/log-gamma";

/**
 * Surface brightness of a part of a galaxy at (x, y) arcsec from its center, x along the major
 * axis, per square arcsec for a total flux of 1.
 */
export type Profile = (x: number, y: number) => number;

/** Keeps cusps finite at the center, arcsec²: the integral over a pixel is finite there too. */
const softening = 0.15 ** 2;

/** Sérsic profiles end at this many half-light radii, far below the noise. */
const sersicReach = 8;

/**
 * Sérsic's law: n = 4 is de Vaucouleurs' elliptical, n = 1 an exponential.
 *
 * @param radius Half-light radius on the major axis, arcsec.
 * @see Sérsic 1963; Ciotti & Bertin 1999 for b(n)
 */
export function sersic(radius: number, index: number, axisRatio: number): Profile {
  const n = index;
  const b = 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n * n);
  const total =
    2 *
    Math.PI *
    n *
    radius *
    radius *
    axisRatio *
    Math.exp(b - 2 * n * Math.log(b) + logGamma(2 * n));
  return (x, y) => {
    const r = Math.sqrt(x * x + (y * y) / (axisRatio * axisRatio) + softening) / radius;
    return r > sersicReach ? 0 : Math.exp(-b * (r ** (1 / n) - 1)) / total;
  };
}

/** Spiral arms as a modulation of the disk: 1 on average at each radius. */
export interface Arms {
  /** Number of arms. */
  readonly count: number;
  /** Angle between arm and circle, degrees: 5–15 is tight, 20–40 loose. */
  readonly pitch: number;
  /** 0 none … 1 nothing between the arms. */
  readonly strength: number;
  /** +1 or −1: sense of winding. */
  readonly winding: number;
  /** Angle of the first arm at one scale length, radians. */
  readonly phase: number;
  /** Radius where the arms begin, arcsec. */
  readonly start: number;
  /** Wobble of the arms in radians: amplitude and phase of the first harmonics. */
  readonly wobble: readonly (readonly [amplitude: number, phase: number])[];
}

/** How sharply light gathers in the arms (concentration of a von Mises law). */
const armConcentration = 3;
/** Mean of exp(κ(cos φ − 1)) over a turn for κ = 3. */
const armMean = 0.24300035;

/** Angle of arm `number` at a radius, radians, in the plane of the disk. */
export function armAngle(arms: Arms, scale: number, radius: number, number: number): number {
  const wind = Math.log(radius / scale) / Math.tan((arms.pitch * Math.PI) / 180);
  return arms.winding * wind + arms.phase + (2 * Math.PI * number) / arms.count;
}

/**
 * An exponential disk seen at an inclination, with or without logarithmic spiral arms.
 *
 * @param scale Scale length, arcsec.
 * @param axisRatio Apparent axis ratio, cos of the inclination for a thin disk.
 */
export function disk(scale: number, axisRatio: number, arms?: Arms): Profile {
  const total = 2 * Math.PI * scale * scale * axisRatio;
  return (x, y) => {
    const v = y / axisRatio;
    const r = Math.sqrt(x * x + v * v + softening);
    const light = Math.exp(-r / scale) / total;
    if (!arms || r < arms.start) return light;
    let phase = arms.count * (Math.atan2(v, x) - armAngle(arms, scale, r, 0));
    for (let k = 0; k < arms.wobble.length; k++) {
      const [amplitude, shift] = arms.wobble[k];
      phase += amplitude * Math.sin((k + 1) * Math.atan2(v, x) + (2 * r) / scale + shift);
    }
    const fade = Math.min(1, (r - arms.start) / (0.4 * scale));
    const arm = Math.exp(armConcentration * (Math.cos(phase) - 1)) / armMean;
    return light * (1 + arms.strength * fade * (arm - 1));
  };
}

/**
 * A transparent exponential disk seen from the side, sech² across its plane.
 *
 * @param height Scale height z₀, arcsec.
 * @see van der Kruit & Searle 1981, A&A 95, 105
 */
export function edgeOnDisk(scale: number, height: number): Profile {
  const total = 2 * Math.PI * scale * height;
  return (x, y) => {
    const sech = 1 / Math.cosh(y / height);
    return (xK1(Math.abs(x) / scale) * sech * sech) / total;
  };
}

/** x K₁(x) with the modified Bessel function K₁ (Abramowitz & Stegun 1964, 9.8.3, 9.8.7, 9.8.8). */
export function xK1(x: number): number {
  if (x < 1e-8) return 1;
  if (x <= 2) {
    const t = (x / 3.75) ** 2;
    const i1 = polynomial(
      t,
      [0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411],
    );
    const rest = polynomial(
      (x / 2) ** 2,
      [1, 0.15443144, -0.67278579, -0.18156897, -0.01919402, -0.00110404, -0.00004686],
    );
    return x * x * Math.log(x / 2) * i1 + rest;
  }
  const tail = polynomial(
    2 / x,
    [1.25331414, 0.23498619, -0.0365562, 0.01504268, -0.00780353, 0.00325614, -0.00068245],
  );
  return Math.sqrt(x) * Math.exp(-x) * tail;
}

function polynomial(x: number, coefficients: readonly number[]): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i];
  return sum;
}

/**
 * A bar: light falls as 1 − m² over a boxy ellipse and ends sharply.
 *
 * @param length Semi-major axis, arcsec.
 * @param axisRatio Width over length.
 * @see Ferrers 1877; Athanassoula et al. 1990 for the boxy shape
 */
export function bar(length: number, axisRatio: number): Profile {
  const c = 2.6;
  const shape = Math.exp(2 * logGamma(1 + 1 / c) - logGamma(1 + 2 / c));
  const total = 2 * length * length * axisRatio * shape;
  return (x, y) => {
    const m = Math.abs(x / length) ** c + Math.abs(y / (length * axisRatio)) ** c;
    return m >= 1 ? 0 : (1 - m ** (2 / c)) / total;
  };
}

/**
 * A tidal tail: a curved band that leaves the galaxy and fades along its length.
 *
 * @param start Radius where it leaves, arcsec.
 * @param length Length over which it fades by e, arcsec, measured in radius.
 * @param width Standard deviation across it, arcsec.
 * @param angle Where it leaves, radians.
 * @param pitch Degrees from the circle: 90 is straight out.
 */
export function tail(
  start: number,
  length: number,
  width: number,
  angle: number,
  pitch: number,
  winding: number,
): Profile {
  const slant = (pitch * Math.PI) / 180;
  const total = (width * Math.sqrt(2 * Math.PI) * (length + start / 4)) / Math.sin(slant);
  return (x, y) => {
    const r = Math.sqrt(x * x + y * y);
    if (r < 0.5 * start) return 0;
    const turn = Math.atan2(y, x) - angle - (winding * Math.log(r / start)) / Math.tan(slant);
    const offset = Math.atan2(Math.sin(turn), Math.cos(turn)) * r * Math.sin(slant);
    if (Math.abs(offset) > 4 * width) return 0;
    const along = r < start ? (r / start - 0.5) * 2 : Math.exp((start - r) / length);
    return (along * Math.exp(-0.5 * (offset / width) ** 2)) / total;
  };
}

/** A round Gaussian blob at (centerX, centerY): a region of young stars. */
export function blob(centerX: number, centerY: number, width: number): Profile {
  const total = 2 * Math.PI * width * width;
  return (x, y) => {
    const d = ((x - centerX) ** 2 + (y - centerY) ** 2) / (width * width);
    return d > 20 ? 0 : Math.exp(-0.5 * d) / total;
  };
}
