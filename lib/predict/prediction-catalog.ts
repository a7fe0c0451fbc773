import type { Table } from "../core/table";
import type { Dataset } from "../data/dataset";
import type { FitsText } from "../data/fits-table-file";
import type { PassOptions } from "./answers";
import type { Predictor } from "./predictor";

/** What a column of a catalog holds: text of up to so many characters, or numbers. */
export type CatalogColumn = FitsText | "float64" | "float32";

/** Predictions as surveys publish them, in pieces. */
export interface Catalog {
  /** What each column holds, in order: `id`, `ra` and `dec` (degrees) where they are known, the answers. */
  readonly columns: Readonly<Record<string, CatalogColumn>>;
  /** Rows that follow one another; each piece is predicted when it is asked for. To be gone through once. */
  readonly pieces: AsyncIterable<Table>;
}

/** Rows of a piece. */
const PIECE = 16_384;

/**
 * Answers about galaxies as a catalog: position and answers, no truth. Of votes `<question>_<answer>_fraction`
 * and, where the network says how sure it is, `<question>_<answer>_dirichlet`, the concentrations of its
 * Dirichlet distributions (Walmsley et al. 2023, arXiv:2309.11425); of classes `predicted` and `p_<class>`.
 *
 * @param rows Row numbers; one or more.
 * @returns after the first piece was predicted
 * @throws UserError as {@link Predictor.predict}
 */
export async function predictionCatalog(
  predictor: Predictor,
  dataset: Dataset,
  rows: Uint32Array,
  { onProgress, ...options }: PassOptions = {},
): Promise<Catalog> {
  const { task } = predictor;
  const { id, ra, dec } = dataset.table;
  const positions = ra && dec ? Object.entries({ ra, dec }) : [];
  const piece = async (from: number): Promise<Table> => {
    const some = rows.subarray(from, from + PIECE);
    const table = await predictor.predict(dataset, some, {
      ...options,
      onProgress: (done) => onProgress?.(from + done, rows.length),
    });
    return {
      id: table.ids,
      ...Object.fromEntries(
        positions.map(([name, column]) => [name, Array.from(some, (row) => Number(column[row]))]),
      ),
      ...task.catalogColumns(table),
    };
  };
  const first = await piece(0);
  const longest = (texts: readonly string[]) =>
    texts.reduce((most, { length }) => Math.max(most, length), 1);
  const ids = Array.from(rows, (row) => String(id[row]));
  const columns = Object.entries(first).map(([name, column]): [string, CatalogColumn] => {
    if (name === "id") return [name, { text: longest(ids) }];
    // What else is text is one of the task's outputs.
    if (typeof column[0] === "string") return [name, { text: longest(task.outputs) }];
    return [name, name === "ra" || name === "dec" ? "float64" : "float32"];
  });
  return {
    columns: Object.fromEntries(columns),
    pieces: (async function* () {
      yield first;
      for (let from = PIECE; from < rows.length; from += PIECE) yield await piece(from);
    })(),
  };
}
