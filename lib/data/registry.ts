import { UserError } from "../core/errors";
import type { DatasetSource } from "./dataset";
import * as galaxy10Decals from "./galaxy10-decals";
import * as galaxy10Sdss from "./galaxy10-sdss";
import * as gz2 from "./gz2";
import * as gz2EightClass from "./gz2-8class";
import * as gz2Votes from "./gz2-votes";
import * as synthetic from "./synthetic";

/** The data sets that go by a name: one line each. */
const sources: DatasetSource[] = [
  synthetic,
  galaxy10Decals,
  galaxy10Sdss,
  gz2,
  gz2EightClass,
  gz2Votes,
];

/** Every data set that goes by a name. */
export const datasets: readonly DatasetSource[] = sources;

/**
 * Add a data set from outside the library.
 *
 * @throws UserError when there is one of this name
 */
export function registerDataset(source: DatasetSource): void {
  const { name } = source.info;
  if (sources.some(({ info }) => info.name === name)) {
    throw new UserError(`There is a data set '${name}' already.`, "Give it another name.");
  }
  sources.push(source);
}
