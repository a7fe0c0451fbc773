import { UserError } from "../core/errors";
import { asNumbers, type Table } from "../core/table";
import { mapOf, type SaliencyMaps } from "./saliency-maps";
import { upsample } from "./upsample";

/** Where a galaxy lies in an image, and how it is turned. */
export interface GalaxyEllipse {
  /** Half-light radius on the major axis, arcsec. */
  readonly radius: number;
  /** Minor to major axis, 0…1. */
  readonly axisRatio: number;
  /** Of the major axis, degrees, from the image's x axis towards its y axis. */
  readonly positionAngle: number;
  /** Arcsec a pixel. */
  readonly pixel: number;
}

/**
 * The pixels of a galaxy in the middle of an image: those within `scale` half-light radii.
 *
 * @param size Height and width, pixels.
 * @param scale Default 2, which holds 85 % of an exponential disk's light.
 * @returns `[height, width]`, 1 inside and 0 outside
 */
export function ellipseMask(
  [height, width]: readonly [number, number],
  { radius, axisRatio, positionAngle, pixel }: GalaxyEllipse,
  scale = 2,
): Uint8Array {
  const angle = (positionAngle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return Uint8Array.from({ length: height * width }, (_, i) => {
    const dx = ((i % width) + 0.5 - width / 2) * pixel;
    const dy = (Math.floor(i / width) + 0.5 - height / 2) * pixel;
    const along = (dx * cos + dy * sin) / radius;
    const across = (dy * cos - dx * sin) / (radius * axisRatio);
    return Math.hypot(along, across) <= scale ? 1 : 0;
  });
}

/** How well a map falls on a mask. */
export interface Localization {
  /** Whether the greatest value lies inside (the pointing game, Zhang et al. 2016, arXiv:1608.00507). */
  readonly hit: boolean;
  /** Share of the map's positive values inside, 0…1 (Wang et al. 2020, arXiv:1910.01279). */
  readonly energy: number;
  /** Share of the pixels inside: the energy of a flat map, and the chance of a hit. */
  readonly area: number;
}

/**
 * Measure one map against the pixels where the object is.
 *
 * @param map Values of the mask's pixels.
 * @throws UserError when they differ in length
 */
export function localization(map: ArrayLike<number>, mask: ArrayLike<number>): Localization {
  if (map.length !== mask.length) {
    throw new UserError(
      `a map of ${map.length} values and a mask of ${mask.length} pixels`,
      "bring the map to the size of the mask first",
    );
  }
  let [most, all, inside, area] = [0, 0, 0, 0];
  for (let i = 0; i < map.length; i++) {
    if (map[i] > map[most]) most = i;
    const value = Math.max(0, map[i]);
    all += value;
    area += mask[i];
    if (mask[i] > 0) inside += value;
  }
  const energy = all > 0 ? inside / all : 0;
  return { hit: all > 0 && mask[most] > 0, energy, area: area / map.length };
}

/**
 * How well maps of synthetic galaxies fall on these, in the mean; merging pairs, which are no
 * ellipse, are left out.
 *
 * @param table Of the data set `synthetic`: `radius`, `axisRatio`, `positionAngle`, `separation`
 *   and `pxscale`, which is arcsec a pixel.
 * @param rows Row of each map.
 * @param size Height and width in pixels at which `pxscale` holds.
 * @returns the share of hits, and the mean of the others
 * @throws UserError when the table lacks a column
 */
export function meanLocalization(
  maps: SaliencyMaps,
  table: Table,
  rows: readonly number[],
  size: readonly [height: number, width: number],
): {
  /** Share of the maps whose maximum lies on the galaxy, 0 … 1. */
  readonly hits: number;
  /** Mean share of a map's sum that lies on the galaxy, 0 … 1. */
  readonly energy: number;
  /** Mean share of the image that the galaxy covers, 0 … 1. */
  readonly area: number;
} {
  const column = (name: string) => {
    if (table[name] !== undefined) return asNumbers(table[name]);
    throw new UserError(
      `the table has no column ${name}, the truth about a galaxy's shape`,
      "take the data set synthetic",
    );
  };
  const [radius, axisRatio] = [column("radius"), column("axisRatio")];
  const [positionAngle, pixel] = [column("positionAngle"), column("pxscale")];
  const separation = column("separation");
  const large = upsample(maps, size);
  const measured = rows.flatMap((row, i) => {
    if (separation[row] > 0) return [];
    const galaxy = {
      radius: radius[row],
      axisRatio: axisRatio[row],
      positionAngle: positionAngle[row],
      pixel: pixel[row],
    };
    return [localization(mapOf(large, i), ellipseMask(size, galaxy))];
  });
  const mean = (value: (l: Localization) => number) =>
    measured.reduce((sum, l) => sum + value(l), 0) / measured.length;
  return {
    hits: mean(({ hit }) => Number(hit)),
    energy: mean(({ energy }) => energy),
    area: mean(({ area }) => area),
  };
}
