import type { Random } from "../core/random";
import {
  type Arms,
  armAngle,
  bar,
  blob,
  disk,
  edgeOnDisk,
  type Profile,
  sersic,
  tail,
} from "./galaxy-light";
import type { GalaxyParameters } from "./galaxy-parameters";

/** One part of a galaxy: its share of the light and its g − r. */
interface Component {
  readonly profile: Profile;
  readonly fraction: number;
  readonly color: number;
}

/** A galaxy ready to be drawn: parts in one frame, and how tides have moved that frame. */
export interface Body {
  /** Center, arcsec to the right of the image's center. */
  readonly x: number;
  /** Center, arcsec below the image's center. */
  readonly y: number;
  /** Of the major axis, radians from the x axis towards the y axis. */
  readonly angle: number;
  /** Apparent r magnitude. */
  readonly magnitude: number;
  /** Half-light radius, arcsec. */
  readonly radius: number;
  /** Scale length of the disk, arcsec. */
  readonly scale: number;
  /** Displacement of the outer isophotes, scale lengths. */
  readonly lopsidedness: number;
  /** Bending of the disk. */
  readonly bend: number;
  /** Its parts. */
  readonly components: readonly Component[];
}

/** Half-light radius of an exponential disk in scale lengths. */
const halfLight = 1.678;

/** Build the galaxy, and the second one of a merging pair, from its parameters. */
export function buildGalaxy(p: GalaxyParameters, random: Random): Body[] {
  const angle = (p.positionAngle * Math.PI) / 180;
  if (p.separation === 0) {
    return [body(p, random.uniform(-0.4, 0.4), random.uniform(-0.4, 0.4), angle, random)];
  }
  const direction = random.uniform(0, 2 * Math.PI);
  const place = (share: number) =>
    [
      share * p.separation * Math.cos(direction),
      share * p.separation * Math.sin(direction),
    ] as const;
  const second: GalaxyParameters = {
    ...p,
    magnitude: p.magnitude - 2.5 * Math.log10(p.fluxRatio),
    radius: p.radius * p.fluxRatio ** 0.35,
    axisRatio: random.uniform(0.4, 0.95),
    bulgeFraction: random.uniform(0.2, 0.8),
    lopsidedness: 0.5,
  };
  const weight = 1 / (1 + p.fluxRatio);
  return [
    body(p, ...place(weight - 1), angle, random),
    body(second, ...place(weight), random.uniform(0, Math.PI), random),
  ];
}

function body(p: GalaxyParameters, x: number, y: number, angle: number, random: Random): Body {
  const scale = p.radius / halfLight;
  const components: Component[] = [];
  const add = (fraction: number, color: number, profile: Profile) => {
    if (fraction > 0) components.push({ profile, fraction, color });
  };
  const tails = p.tailFraction > 0 ? random.integer(2) + 1 : 0;
  for (let i = 0, out = random.uniform(0, 2 * Math.PI); i < tails; i++, out += Math.PI) {
    const winding = random.uniform() < 0.5 ? -1 : 1;
    const length = p.radius * random.uniform(0.8, 1.6);
    const band = tail(
      p.radius * 1.1,
      length,
      p.radius * random.uniform(0.2, 0.45),
      out + random.normal(0, 0.3),
      random.uniform(35, 75),
      winding,
    );
    add(p.tailFraction / tails, p.colorYoung, band);
  }
  const rest = 1 - p.tailFraction;
  const edgeOn = p.label >= 8;
  const wholeSpheroid = p.bulgeFraction === 1;
  const bulgeRadius = wholeSpheroid ? p.radius : edgeOn ? 0.3 * p.radius : 0.22 * p.radius;
  // A bulge is rounder than the disk that it sits in.
  const bulgeRatio = wholeSpheroid ? p.axisRatio : edgeOn ? 0.65 : 0.4 + 0.6 * p.axisRatio;
  add(p.bulgeFraction * rest, p.colorOld, sersic(bulgeRadius, p.sersicIndex, bulgeRatio));
  const diskFraction = (1 - p.bulgeFraction - p.barFraction) * rest;
  if (edgeOn) {
    add(diskFraction, p.colorYoung, edgeOnDisk(scale, p.axisRatio * scale * 1.2));
  } else if (diskFraction > 0) {
    const arms = p.arms > 0 ? drawArms(p, scale, random) : undefined;
    const knots = (arms ? 0.07 : p.label === 0 ? 0.1 : 0) * diskFraction;
    if (p.barFraction > 0) {
      const length = p.barLength * scale;
      add(p.barFraction * rest, 0.6 * p.colorOld + 0.4 * p.colorYoung, tilted(p, length));
    }
    add(diskFraction - knots, p.colorYoung, disk(scale, p.axisRatio, arms));
    if (knots > 0) addKnots(p, scale, arms, knots, random, add);
  }
  const { magnitude, radius, lopsidedness, bend } = p;
  return { x, y, angle, magnitude, radius, scale, lopsidedness, bend, components };
}

/** A bar in the plane of an inclined disk; it lies along the disk's own x axis. */
function tilted(p: GalaxyParameters, length: number): Profile {
  const face = bar(length, 0.3);
  return (x, y) => face(x, y / p.axisRatio) / p.axisRatio;
}

function drawArms(p: GalaxyParameters, scale: number, random: Random): Arms {
  const barred = p.barFraction > 0;
  const start = barred ? 0.9 * p.barLength * scale : random.uniform(0.3, 0.6) * scale;
  const winding = random.uniform() < 0.5 ? -1 : 1;
  const shape = { count: p.arms, pitch: p.pitch, strength: p.armStrength, winding, start };
  const wobble = [0.4, 0.35, 0.25].map(
    (a) => [a * random.normal(), random.uniform(0, 6.28)] as const,
  );
  const arms = { ...shape, phase: random.uniform(0, 2 * Math.PI), wobble };
  // The arms of a barred galaxy leave from the bar's ends.
  return barred ? { ...arms, phase: -armAngle({ ...arms, phase: 0 }, scale, start, 0) } : arms;
}

function addKnots(
  p: GalaxyParameters,
  scale: number,
  arms: Arms | undefined,
  total: number,
  random: Random,
  add: (fraction: number, color: number, profile: Profile) => void,
): void {
  const count = 8 + random.integer(10);
  const weights = Array.from({ length: count }, () => random.uniform(0.2, 1) ** 2);
  const sum = weights.reduce((a, b) => a + b, 0);
  for (const weight of weights) {
    const r = scale * random.uniform(0.8, 3);
    const angle = arms
      ? armAngle(arms, scale, r, random.integer(arms.count)) + random.normal(0, 0.2)
      : random.uniform(0, 2 * Math.PI);
    const knot = blob(
      r * Math.cos(angle),
      r * Math.sin(angle) * p.axisRatio,
      random.uniform(0.3, 0.55),
    );
    add((total * weight) / sum, random.normal(0.22, 0.1), knot);
  }
}
