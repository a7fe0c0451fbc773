import { Random } from "#lib/core/random";
import type { GalaxyParameters } from "#lib/data/galaxy-parameters";
import { observeGalaxy } from "#lib/data/simulator";
import type { Pictures } from "#lib/predict/image-batch";

/** One property of a made galaxy that a person can turn. */
export interface Slider {
  /** For people. */
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Where it begins. */
  readonly value: number;
  /** After the number. */
  readonly unit: string;
}

/** What can be turned, and how far. */
export const sliders = {
  bulge: { label: "Bulge", min: 0, max: 100, step: 1, value: 12, unit: " % of the light" },
  bar: { label: "Bar", min: 0, max: 35, step: 1, value: 0, unit: " % of the light" },
  arms: { label: "Arms", min: 0, max: 4, step: 1, value: 2, unit: "" },
  strength: { label: "Strength of the arms", min: 0, max: 100, step: 1, value: 75, unit: " %" },
  pitch: { label: "Pitch of the arms", min: 5, max: 40, step: 1, value: 28, unit: "°" },
  inclination: { label: "Inclination", min: 0, max: 90, step: 1, value: 20, unit: "°" },
  distance: { label: "Distance", min: 0.7, max: 3, step: 0.05, value: 1, unit: " × the usual" },
  noise: { label: "Noise", min: 0, max: 6, step: 0.1, value: 1, unit: " × the survey's" },
} as const satisfies Record<string, Slider>;

/** A value for each. */
export type SliderValues = Record<keyof typeof sliders, number>;

/** Thickness of a disk by its width. */
const THICKNESS = 0.12;
/** Where a disk is drawn as one that is seen from its edge, degrees. */
const EDGE_ON = 80;

/** The simulator's parameters. Sizes and brightness are those of the bright galaxies it draws by itself. */
function parametersOf(v: SliderValues): GalaxyParameters {
  const cos = Math.cos((v.inclination * Math.PI) / 180);
  const axisRatio = Math.sqrt(cos * cos * (1 - THICKNESS ** 2) + THICKNESS ** 2);
  const edgeOn = v.inclination >= EDGE_ON;
  const bulge = v.bulge / 100;
  const bar = edgeOn ? 0 : Math.min(v.bar / 100, 1 - bulge);
  const radius = (bulge === 1 ? 2.8 : 5.5) / v.distance;
  const brightness = bulge === 1 ? 20.6 : 21.3;
  const dimmed = edgeOn ? 1.3 : -1.25 * Math.log10(axisRatio);
  return {
    label: edgeOn ? (bulge > 0.15 ? 9 : 8) : bulge === 1 ? 2 : bar > 0 ? 5 : 7,
    magnitude: brightness - 2.5 * Math.log10(2 * Math.PI * radius * radius) + dimmed,
    radius,
    // A spheroid looks round from every side, but for a little.
    axisRatio: bulge === 1 ? 0.6 + 0.4 * axisRatio : axisRatio,
    positionAngle: 35,
    bulgeFraction: bulge,
    sersicIndex: bulge === 1 ? 3 : 2,
    barFraction: bar,
    barLength: bar > 0 ? 1.4 : 0,
    arms: v.arms,
    pitch: v.pitch,
    armStrength: v.arms > 0 ? v.strength / 100 : 0,
    colorOld: 0.8,
    colorYoung: 0.46,
    lopsidedness: 0,
    bend: 0,
    tailFraction: 0,
    separation: 0,
    fluxRatio: 0,
  };
}

/**
 * A galaxy as the sliders say.
 *
 * @param seed Of what they do not say: where the arms begin, what lies around, the noise.
 * @param size Height and width, pixels.
 */
export function sliderGalaxy(values: SliderValues, seed: number, size: number): Pictures {
  const random = (stream: string) => new Random(seed, stream);
  const streams = { build: random("build"), field: random("field"), noise: random("noise") };
  const pixels = observeGalaxy(parametersOf(values), size, streams, values.noise);
  return { pixels, size: [size, size] };
}
