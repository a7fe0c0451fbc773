import type { Random } from "../core/random";

/** What a synthetic galaxy was made with: the truth that later analysis can be tested against. */
export interface GalaxyParameters {
  /** Class, index into Galaxy10 DECaLS' names. */
  readonly label: number;
  /** Apparent r magnitude of the main galaxy. */
  readonly magnitude: number;
  /** Half-light radius on the major axis, arcsec. */
  readonly radius: number;
  /** Apparent axis ratio of the disk or spheroid. */
  readonly axisRatio: number;
  /** Angle of the major axis, degrees, from the image's x axis towards its y axis. */
  readonly positionAngle: number;
  /** Part of the light in the bulge (1 for a spheroid). */
  readonly bulgeFraction: number;
  /** Sérsic index of the bulge. */
  readonly sersicIndex: number;
  /** Part of the light in the bar. */
  readonly barFraction: number;
  /** Semi-major axis of the bar, disk scale lengths. */
  readonly barLength: number;
  /** Number of spiral arms. */
  readonly arms: number;
  /** Angle between arm and circle, degrees. */
  readonly pitch: number;
  /** Contrast of the arms, 0–1. */
  readonly armStrength: number;
  /** g − r of the main galaxy's old part, magnitudes. */
  readonly colorOld: number;
  /** g − r of the main galaxy's young part, magnitudes. */
  readonly colorYoung: number;
  /** Displacement of the outer isophotes, scale lengths. */
  readonly lopsidedness: number;
  /** Bending of the disk. */
  readonly bend: number;
  /** Part of the light in tidal tails. */
  readonly tailFraction: number;
  /** Distance of the second galaxy, arcsec; 0 where there is none. */
  readonly separation: number;
  /** Flux of the second galaxy by that of the first; 0 where there is none. */
  readonly fluxRatio: number;
}

/** Mean surface brightness inside the half-light radius, r mag an arcsec², by kind of galaxy. */
const brightness = { spheroid: 20.6, disk: 21.3 };

/** Draw the parameters of a galaxy of one class. Ranges are those of bright nearby galaxies. */
export function drawGalaxy(label: number, random: Random): GalaxyParameters {
  const u = (low: number, high: number) => random.uniform(low, high);
  const spheroid = label >= 2 && label <= 4;
  const p: { -readonly [K in keyof GalaxyParameters]: number } = {
    label,
    magnitude: 0,
    radius: spheroid ? u(1.8, 3.8) : u(3.6, 6.8),
    axisRatio: u(0.5, 1),
    positionAngle: u(0, 180),
    bulgeFraction: u(0.05, 0.3),
    sersicIndex: u(1, 2.5),
    barFraction: 0,
    barLength: 0,
    arms: 0,
    pitch: 0,
    armStrength: 0,
    colorOld: random.normal(0.8, 0.06),
    colorYoung: random.normal(0.48, 0.09),
    lopsidedness: 0,
    bend: 0,
    tailFraction: 0,
    separation: 0,
    fluxRatio: 0,
  };
  if (spheroid) {
    p.bulgeFraction = 1;
    p.sersicIndex = label === 4 ? u(1, 2) : u(1.5, 4);
    p.axisRatio = label === 2 ? u(0.88, 1) : label === 3 ? u(0.52, 0.74) : u(0.26, 0.4);
    p.radius *= label === 4 ? 1.3 : label === 3 ? 1.15 : 1;
    p.colorOld = random.normal(0.74, 0.12);
  } else if (label >= 5 && label <= 7) {
    p.armStrength = u(0.5, 0.85);
    if (label === 5) {
      Object.assign(p, { arms: 2, pitch: u(14, 26), barFraction: u(0.16, 0.28) });
      Object.assign(p, { barLength: u(1.1, 1.7), bulgeFraction: u(0.04, 0.14) });
    } else if (label === 6) {
      Object.assign(p, { arms: random.uniform() < 0.7 ? 2 : 3, pitch: u(6, 11) });
      Object.assign(p, { bulgeFraction: u(0.15, 0.35), axisRatio: u(0.6, 1) });
      p.radius = u(4.6, 7.2);
    } else {
      Object.assign(p, { arms: random.uniform() < 0.75 ? 2 : 3, pitch: u(21, 38) });
      Object.assign(p, { bulgeFraction: u(0.04, 0.16), colorYoung: random.normal(0.42, 0.08) });
      p.radius = u(4.2, 7.2);
    }
  } else if (label >= 8) {
    p.axisRatio = u(0.09, 0.15);
    p.radius = u(3.8, 7);
    p.bulgeFraction = label === 8 ? 0 : u(0.22, 0.42);
    p.sersicIndex = u(1.5, 3);
    p.colorYoung = random.normal(label === 8 ? 0.5 : 0.62, 0.08);
  } else {
    // Disturbed and merging: a disk or a spheroid out of shape.
    p.armStrength = random.uniform() < 0.5 ? u(0.3, 0.8) : 0;
    p.arms = p.armStrength > 0 ? random.integer(2) + 1 : 0;
    p.pitch = u(15, 40);
    p.lopsidedness = label === 0 ? u(0.7, 1.6) : u(0, 0.6);
    p.bend = (random.uniform() < 0.5 ? -1 : 1) * (label === 0 ? u(0.05, 0.2) : u(0, 0.1));
    p.tailFraction = label === 0 ? u(0.06, 0.2) : u(0.03, 0.14);
    p.axisRatio = u(0.35, 0.85);
    if (label === 1) {
      p.radius = u(2.4, 4.4);
      p.separation = u(3.6, 8);
      p.fluxRatio = u(0.35, 1);
      p.bulgeFraction = u(0.2, 0.7);
    } else p.radius = u(3.4, 5.6);
  }
  const kind = spheroid ? "spheroid" : "disk";
  const inclined = label >= 8 ? 1.3 : -1.25 * Math.log10(p.axisRatio);
  p.magnitude =
    random.normal(brightness[kind], 0.4) -
    2.5 * Math.log10(2 * Math.PI * p.radius * p.radius) +
    inclined;
  return p;
}
