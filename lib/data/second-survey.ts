import { UserError } from "../core/errors";
import { Random } from "../core/random";
import { asNumbers } from "../core/table";
import type { Dataset } from "./dataset";
import { takeRows, takeVotes } from "./image-table";
import type { Instrument, Observation } from "./observation";
import { observedDataset } from "./observed-dataset";

/** What a second survey has of the first one's galaxies. */
export interface SecondSurveyOptions {
  /** Share of the galaxies that it has, above 0 and up to 1. Default 0.8. */
  readonly coverage?: number;
  /** How far its positions scatter, standard deviation in each direction, arcsec. Default 0.2. */
  readonly scatter?: number;
  /** Of its choice of galaxies, their order and positions. Default 0. */
  readonly seed?: number;
}

/**
 * A second survey of galaxies that one has: some of them, in another order, under other ids, at positions
 * that are off a little, and with pictures as {@link observedDataset} makes them. Only by position can its
 * galaxies be known again, as in real surveys; classes and votes come along, since nobody looks anew.
 *
 * @param from How the pictures were taken, at the size at which the data set is read.
 * @param to How the second survey takes them.
 * @returns data without splits, to be closed with the first
 * @throws UserError where the galaxies have no positions
 */
export function secondSurvey(
  dataset: Dataset,
  from: Instrument,
  to: Observation,
  { coverage = 0.8, scatter = 0.2, seed = 0 }: SecondSurveyOptions = {},
): Dataset {
  const { table, votes, size } = dataset;
  if (table.ra === undefined || table.dec === undefined) {
    throw new UserError(
      `${dataset.name} has no columns ra and dec`,
      "give a table that has them, in degrees",
    );
  }
  const random = new Random(seed, "second survey");
  const rows = Array.from(
    random.permutation(size).subarray(0, Math.max(1, Math.round(coverage * size))),
  );
  const of = (values: readonly number[]) => rows.map((row) => values[row]);
  const { split: _, ...columns } = table;
  const dec = of(asNumbers(table.dec)).map((value) => {
    return Math.min(Math.max(value + random.normal(0, scatter / 3600), -90), 90);
  });
  const ra = of(asNumbers(table.ra)).map((value, i) => {
    const away =
      random.normal(0, scatter / 3600) / Math.max(Math.cos((dec[i] * Math.PI) / 180), 1e-6);
    return (value + away + 360) % 360;
  });
  const { read, imageSize, view } = observedDataset(dataset, from, to);
  return {
    ...{ name: `${dataset.name}, second survey`, classNames: dataset.classNames },
    table: {
      ...takeRows(columns, rows),
      id: rows.map((_row, i) => `second ${i + 1}`),
      ...{ ra, dec },
    },
    ...{ size: rows.length, imageSize, view },
    ...(dataset.sourceSize && { sourceSize: dataset.sourceSize }),
    ...(votes && { votes: takeVotes(votes, rows) }),
    read: (wanted, how) =>
      read(
        Array.from(wanted, (i) => rows[i]),
        how,
      ),
    async close() {},
  };
}
