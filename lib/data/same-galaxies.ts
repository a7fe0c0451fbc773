import { UserError } from "../core/errors";
import { asNumbers } from "../core/table";
import { crossMatch } from "./cross-match";
import type { Dataset } from "./dataset";

/** Rows of two data sets that show the same galaxies. */
export interface SameGalaxies {
  /** Rows of the first. */
  readonly first: Uint32Array;
  /** Rows of the second, in the same order. */
  readonly second: Uint32Array;
  /** Distance of the two positions of each galaxy, arcsec. */
  readonly separation: Float64Array;
}

/**
 * Find the galaxies that two surveys have in common, by their positions: pairs of which each is the other's
 * nearest. Rows without a position are left out.
 *
 * @param radius Largest distance of a pair, arcsec. Default 2.
 * @throws UserError where one of the two has no positions, or no galaxy is in both
 */
export function sameGalaxies(
  first: Pick<Dataset, "name" | "table">,
  second: Pick<Dataset, "name" | "table">,
  radius = 2,
): SameGalaxies {
  const [a, b] = [placed(first), placed(second)];
  const matches = crossMatch(a, b, radius, "mutual");
  if (matches.first.length === 0) {
    throw new UserError(
      `${first.name} and ${second.name} have no galaxy within ${radius}″ of each other`,
      "check that ra and dec of both are degrees, or give a larger radius",
    );
  }
  return {
    first: matches.first.map((i) => a.rows[i]),
    second: matches.second.map((i) => b.rows[i]),
    separation: matches.separation,
  };
}

/** The rows that have a position. */
function placed({ name, table }: Pick<Dataset, "name" | "table">) {
  if (table.ra === undefined || table.dec === undefined) {
    throw new UserError(
      `${name} has no columns ra and dec`,
      "give a table that has them, in degrees",
    );
  }
  const [ra, dec] = [asNumbers(table.ra), asNumbers(table.dec)];
  const rows = Uint32Array.from(
    ra.map((_, row) => row).filter((row) => Number.isFinite(ra[row]) && Math.abs(dec[row]) <= 90),
  );
  return {
    rows,
    ra: Float64Array.from(rows, (row) => ra[row]),
    dec: Float64Array.from(rows, (row) => dec[row]),
  };
}
