import { UserError } from "../core/errors";
import { asNumbers, asText } from "../core/table";
import { readTable, tableHeader } from "../io/table-file";
import { picturesOf } from "./gz2-catalog";

/** How large and how bright galaxies are. */
export interface SizesAndMagnitudes {
  /** Id of each galaxy: of Galaxy Zoo 2 the number of its picture. */
  readonly id: readonly string[];
  /** Half-light radius, arcsec. */
  readonly radius: readonly number[];
  /** Apparent r magnitude. */
  readonly magnitude: readonly number[];
}

/**
 * Sizes and magnitudes of Galaxy Zoo 2's own catalog, `gz2sample.csv` of data.galaxyzoo.org: its columns `OBJID`,
 * `PETROR50_R` and `PETROMAG_R`, in letters of any case; or of any catalog with `id`, `radius` and `magnitude`.
 *
 * @param catalog CSV, plain or gzipped, or Parquet.
 * @param mapping `gz2_filename_mapping.csv`, which says which picture shows which object. Default: the catalog's
 *   ids are those of the pictures.
 * @returns Only the galaxies that have a picture.
 * @throws UserError where a column is not there.
 */
export async function readSizes(catalog: string, mapping?: string): Promise<SizesAndMagnitudes> {
  const header = await tableHeader(catalog);
  const find = (names: readonly string[]) => {
    const found = header.find((name) => names.includes(name.trim().toLowerCase()));
    if (found !== undefined) return found;
    throw new UserError(
      `${catalog} has none of the columns ${names.join(", ")}`,
      "give gz2sample.csv, or a catalog with id, radius (arcsec) and magnitude",
    );
  };
  const id = find(["asset_id", "id", "objid", "dr7objid"]);
  const [radius, magnitude] = [find(["radius", "petror50_r"]), find(["magnitude", "petromag_r"])];
  const { columns } = await readTable(catalog, {
    [id]: "text",
    [radius]: "number",
    [magnitude]: "number",
  });
  const all = {
    id: asText(columns[id]),
    radius: asNumbers(columns[radius]),
    magnitude: asNumbers(columns[magnitude]),
  };
  if (mapping === undefined) return all;
  const ids = await picturesOf(all.id, mapping);
  const there = ids.flatMap((asset, row) => (asset === "" ? [] : [row]));
  return {
    id: there.map((row) => ids[row]),
    radius: there.map((row) => all.radius[row]),
    magnitude: there.map((row) => all.magnitude[row]),
  };
}
