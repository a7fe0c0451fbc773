import { UserError } from "../core/errors";
import { SphereTree } from "./sphere-tree";

/** Positions of a catalog, degrees (ICRS). */
export interface Positions {
  /** Right ascension, degrees. */
  readonly ra: ArrayLike<number>;
  /** Declination, degrees, −90 to 90. */
  readonly dec: ArrayLike<number>;
}

/** Pairs of rows of two catalogs. */
export interface Matches {
  /** Row of the first catalog. */
  readonly first: Uint32Array;
  /** Row of the second catalog. */
  readonly second: Uint32Array;
  /** Great-circle distance of each pair, arcsec. */
  readonly separation: Float64Array;
}

const degree = Math.PI / 180;
const arcsec = degree / 3600;

/**
 * Match two catalogs by position on the sky.
 *
 * @param radius Largest distance of a pair, arcsec.
 * @param which `nearest`: for each row of the first catalog the nearest of the second; `mutual`:
 * such pairs that are each other's nearest; `all`: every pair.
 * @returns Pairs in the order of the first catalog.
 * @throws UserError naming a row without a position on the sky.
 */
export function crossMatch(
  first: Positions,
  second: Positions,
  radius: number,
  which: "nearest" | "mutual" | "all" = "nearest",
): Matches {
  if (!(radius > 0 && radius <= 180 * 3600)) {
    throw new UserError(
      `The matching radius is ${radius} arcsec; expected a number above 0.`,
      "Give for example 2.",
    );
  }
  const a = unitVectors(first, "first");
  const b = unitVectors(second, "second");
  if (which === "all") return allPairs(a, b, radius);
  const matches = nearest(a, b, radius);
  if (which === "nearest") return matches;
  const back = new Map<number, number>();
  const reverse = nearest(b, a, radius);
  for (let i = 0; i < reverse.first.length; i++) back.set(reverse.first[i], reverse.second[i]);
  const keep = Array.from(matches.first.keys()).filter(
    (i) => back.get(matches.second[i]) === matches.first[i],
  );
  return {
    first: Uint32Array.from(keep, (i) => matches.first[i]),
    second: Uint32Array.from(keep, (i) => matches.second[i]),
    separation: Float64Array.from(keep, (i) => matches.separation[i]),
  };
}

/** Great-circle distance of a chord of the unit sphere, arcsec. */
function angle(squaredChord: number): number {
  return (2 * Math.asin(Math.min(1, Math.sqrt(squaredChord) / 2))) / arcsec;
}

function reachOf(radius: number): number {
  return (2 * Math.sin((radius * arcsec) / 2)) ** 2;
}

function nearest(a: Float64Array, b: Float64Array, radius: number): Matches {
  const tree = new SphereTree(b);
  const reach = reachOf(radius);
  const first: number[] = [];
  const second: number[] = [];
  const separation: number[] = [];
  let best = -1;
  let least = 0;
  const found = (row: number, squared: number) => {
    // Of two at the same place the earlier row counts, so that the order of the tree does not.
    if (best < 0 || squared < least || row < best) best = row;
    least = squared;
    return squared;
  };
  for (let i = 0; i < a.length; i += 3) {
    best = -1;
    tree.visit(a[i], a[i + 1], a[i + 2], reach, found);
    if (best < 0) continue;
    first.push(i / 3);
    second.push(best);
    separation.push(angle(least));
  }
  return {
    first: Uint32Array.from(first),
    second: Uint32Array.from(second),
    separation: Float64Array.from(separation),
  };
}

function allPairs(a: Float64Array, b: Float64Array, radius: number): Matches {
  const tree = new SphereTree(b);
  const reach = reachOf(radius);
  const pairs: { first: number; second: number; separation: number }[] = [];
  for (let i = 0; i < a.length; i += 3) {
    tree.visit(a[i], a[i + 1], a[i + 2], reach, (second, squared) => {
      pairs.push({ first: i / 3, second, separation: angle(squared) });
      return reach;
    });
  }
  pairs.sort((p, q) => p.first - q.first || p.separation - q.separation || p.second - q.second);
  return {
    first: Uint32Array.from(pairs, (p) => p.first),
    second: Uint32Array.from(pairs, (p) => p.second),
    separation: Float64Array.from(pairs, (p) => p.separation),
  };
}

function unitVectors({ ra, dec }: Positions, which: string): Float64Array {
  if (ra.length !== dec.length) {
    throw new UserError(
      `The ${which} catalog has ${ra.length} values of ra and ${dec.length} of dec.`,
      "Give one of each for every row.",
    );
  }
  const out = new Float64Array(3 * ra.length);
  for (let i = 0; i < ra.length; i++) {
    if (!Number.isFinite(ra[i]) || !(Math.abs(dec[i]) <= 90)) {
      throw new UserError(
        `Row ${i + 1} of the ${which} catalog: ra ${ra[i]}, dec ${dec[i]}; expected degrees.`,
        "Leave out rows without a position.",
      );
    }
    const cos = Math.cos(dec[i] * degree);
    out[3 * i] = cos * Math.cos(ra[i] * degree);
    out[3 * i + 1] = cos * Math.sin(ra[i] * degree);
    out[3 * i + 2] = Math.sin(dec[i] * degree);
  }
  return out;
}
