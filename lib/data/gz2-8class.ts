import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { idKey } from "../core/ids";
import { asNumbers, asText } from "../core/table";
import { readCsv } from "../io/csv";
import type { Dataset, DatasetInfo } from "./dataset";
import { gz2Questions } from "./galaxy-zoo-tree";
import * as gz2 from "./gz2";
import { type Gz2Paths, type Gz2Rows, readGz2 } from "./gz2-catalog";
import { type ImageTableOptions, openImageRows, takeRows } from "./image-table";

/** What a list of data sets shows. */
export const info: DatasetInfo = {
  name: "gz2-8class",
  title: "Galaxy Zoo 2, eight clean classes",
  description:
    "The galaxies of gz2 that belong clearly to one of eight classes (Lin et al. 2021, " +
    "arXiv:2110.01024): their split where its three CSVs lie in data/gz2-8class, else none.",
  size: "155,951 JPEG images of 424 × 424 pixels, 8 classes; shares the files of gz2",
  source: "gz2; the split's CSVs are in the repository of arXiv:2110.01024",
  license: gz2.info.license,
};

/** In label order (`label1` of the paper's CSVs). */
export const gz2EightClasses: readonly string[] = [
  "Round",
  "In-between",
  "Cigar-shaped",
  "Edge-on",
  "Barred Spiral",
  "Unbarred Spiral",
  "Irregular",
  "Merger",
];

/** Download what gz2 has. */
export const get = gz2.get;

/** Open the eight classes, downloading gz2 on first use. */
export async function open(
  dataFolder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Dataset> {
  const paths = await gz2.gz2Paths(dataFolder, onProgress);
  return openGz2EightClasses(paths, { uniform: true, splits: join(dataFolder, info.name) });
}

/**
 * Open the eight classes from Galaxy Zoo 2's files.
 *
 * @param options.splits Folder of `gz2_train.csv`, `gz2_valid.csv`, `gz2_test.csv`
 * (`galaxyID,label1,…`); with them the rows are theirs, in the order of train, val, test. Without,
 * the classes follow from the votes and there is no split.
 */
export async function openGz2EightClasses(
  paths: Gz2Paths,
  options: ImageTableOptions & { splits?: string } = {},
): Promise<Dataset> {
  const rows = await readGz2(paths, [gz2Questions], "debiased");
  const { splits } = options;
  const chosen =
    splits && existsSync(join(splits, "gz2_train.csv"))
      ? await readSplits(splits, asText(rows.table.id))
      : fromVotes(rows);
  const table = {
    ...takeRows(rows.table, chosen.rows),
    label: Int32Array.from(chosen.labels),
    ...(chosen.split ? { split: chosen.split } : {}),
  };
  const images = chosen.rows.map((row) => rows.paths[row]);
  const { skipped } = rows;
  return openImageRows(
    { name: info.name, classNames: gz2EightClasses, table, skipped, paths: images },
    options,
  );
}

function fromVotes(rows: Gz2Rows) {
  const { fractions, answers } = rows.votes;
  const width = answers.length;
  const chosen: number[] = [];
  const labels: number[] = [];
  for (let row = 0; row < rows.paths.length; row++) {
    const at = row * width;
    const label = cleanClass((answer) => fractions[at + answers.indexOf(answer)]);
    if (label === undefined) continue;
    chosen.push(row);
    labels.push(label);
  }
  return { rows: chosen, labels, split: undefined };
}

/**
 * The class that a galaxy clearly belongs to, if it belongs to exactly one.
 *
 * The thresholds on debiased fractions are those of Willett et al. 2013 (table 3) for well-sampled
 * clean samples, 0.5 within a question; smooth and edge-on galaxies must not be odd, bars must be
 * clearly there or clearly absent. They give the paper's labels on all 600 galaxies of a sample of
 * its catalog, 447 labeled and 153 not.
 *
 * @param fraction Debiased fraction of an answer; NaN where nobody was asked.
 */
export function cleanClass(fraction: (answer: string) => number): number | undefined {
  const smooth = fraction("t01_smooth_or_features_a01_smooth") >= 0.469;
  const featured = fraction("t01_smooth_or_features_a02_features_or_disk") >= 0.43;
  const regular = fraction("t06_odd_a15_no") >= 0.5;
  const odd = fraction("t06_odd_a14_yes") >= 0.42;
  const spiral =
    featured &&
    fraction("t02_edgeon_a05_no") >= 0.715 &&
    fraction("t04_spiral_a08_spiral") >= 0.619;
  const disorder = ["a21_disturbed", "a22_irregular", "a23_other", "a38_dust_lane"];
  const matches = [
    smooth && regular && fraction("t07_rounded_a16_completely_round") >= 0.5,
    smooth && regular && fraction("t07_rounded_a17_in_between") >= 0.5,
    smooth && regular && fraction("t07_rounded_a18_cigar_shaped") >= 0.5,
    featured && regular && fraction("t02_edgeon_a04_yes") >= 0.602,
    spiral && fraction("t03_bar_a06_bar") >= 0.715,
    spiral && fraction("t03_bar_a07_no_bar") >= 0.715,
    odd && disorder.some((feature) => fraction(`t08_odd_feature_${feature}`) >= 0.5),
    odd && fraction("t08_odd_feature_a24_merger") >= 0.5,
  ];
  const first = matches.indexOf(true);
  return first >= 0 && first === matches.lastIndexOf(true) ? first : undefined;
}

async function readSplits(folder: string, ids: readonly string[]) {
  const rowOf = new Map(ids.map((id, row) => [idKey(id), row]));
  const seen = new Set<string>();
  const rows: number[] = [];
  const labels: number[] = [];
  const split: string[] = [];
  for (const [file, name] of [
    ["gz2_train.csv", "train"],
    ["gz2_valid.csv", "val"],
    ["gz2_test.csv", "test"],
  ]) {
    const path = join(folder, file);
    const csv = await readCsv(path, { galaxyID: "text", label1: "number" });
    const label = asNumbers(csv.columns.label1);
    for (const [i, id] of asText(csv.columns.galaxyID).map(idKey).entries()) {
      const remedy = "Use the CSVs of one release of the split.";
      if (seen.has(id)) {
        throw new UserError(
          `${path}, row ${csv.rowNumber(i)}: galaxy ${id} is there twice.`,
          remedy,
        );
      }
      if (!gz2EightClasses[label[i]]) {
        throw new UserError(
          `${path}, row ${csv.rowNumber(i)}: label1 is ${label[i]}; expected 0–7.`,
          remedy,
        );
      }
      seen.add(id);
      const row = rowOf.get(id);
      // Galaxies without an image here cannot be used; those without a row are none of gz2's.
      if (row === undefined) continue;
      rows.push(row);
      labels.push(label[i]);
      split.push(name);
    }
  }
  return { rows, labels, split };
}
