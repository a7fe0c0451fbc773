import type { DatasetSource } from "./dataset";
import * as synthetic from "./synthetic";

/** The data sets that go by a name: one line each. */
export const datasets: readonly DatasetSource[] = [synthetic];
