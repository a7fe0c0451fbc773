import type { Dataset, DatasetInfo } from "./dataset";
import { gz2MainQuestions } from "./galaxy-zoo-tree";
import * as gz2 from "./gz2";
import { openVotes } from "./gz2-catalog";

/** What a list of data sets shows. */
export const info: DatasetInfo = {
  name: "gz2-votes",
  title: "Galaxy Zoo 2, ten questions",
  description:
    "The images of gz2 with the 30 debiased vote fractions of the ten questions about the galaxy " +
    "itself: all but the number of arms, and without 'star or artifact'.",
  size: "243,434 JPEG images of 424 × 424 pixels, 30 vote fractions; shares the files of gz2",
  source: gz2.info.source,
  license: gz2.info.license,
};

/** Download what gz2 has. */
export const get = gz2.get;

/** Open the 30 vote fractions, downloading gz2 on first use. */
export async function open(
  dataFolder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Dataset> {
  const paths = await gz2.gz2Paths(dataFolder, onProgress);
  return openVotes(info.name, paths, [gz2MainQuestions], { uniform: true });
}
