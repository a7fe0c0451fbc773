import type { DatasetSource } from "./dataset";
import * as galaxy10Decals from "./galaxy10-decals";
import * as galaxy10Sdss from "./galaxy10-sdss";
import * as gz2 from "./gz2";
import * as gz2EightClass from "./gz2-8class";
import * as gz2Votes from "./gz2-votes";
import * as synthetic from "./synthetic";

/** The data sets that go by a name: one line each. */
export const datasets: readonly DatasetSource[] = [
  synthetic,
  galaxy10Decals,
  galaxy10Sdss,
  gz2,
  gz2EightClass,
  gz2Votes,
];
