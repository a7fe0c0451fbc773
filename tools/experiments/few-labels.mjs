/**
 * Accuracy against the number of labels: linear heads on the features of a network that learned something else, which saw
 * each galaxy once, or in its eight orientations. The test galaxies are those of a run with the same split.
 *
 *     node tools/experiments/few-labels.mjs --data SPEC [--size 96] [--crop N] [--labels 50,100,250,1000,all] [--seeds 3]
 *         [--orientations 1,8] [--model NAME] [--weights FILE]
 */
import { parseArgs } from "node:util";
import { argmax } from "#lib/core/argmax";
import { labelsOf } from "#lib/data/labels";
import { rowsOfSplit, stratifiedSplit, takeFraction } from "#lib/data/splits";
import { matrixRows } from "#lib/evaluate/feature-matrix";
import { askHead, oneHot, trainHead } from "#lib/evaluate/linear-head";
import { backboneFeatures } from "./features.mjs";

const { values: given } = parseArgs({
  options: {
    data: { type: "string", default: "synthetic" },
    size: { type: "string", default: "96" },
    crop: { type: "string" },
    labels: { type: "string", default: "50,100,250,1000,all" },
    seeds: { type: "string", default: "3" },
    orientations: { type: "string", default: "1,8" },
    model: { type: "string" },
    weights: { type: "string" },
  },
});
const options = { ...given, size: Number(given.size), crop: given.crop && Number(given.crop) };
const seeds = Array.from({ length: Number(given.seeds) }, (_, i) => i + 1);

for (const orientations of given.orientations.split(",").map(Number)) {
  const { dataset, values, width } = await backboneFeatures({ ...options, orientations });
  const k = dataset.classNames.length;
  const labels = labelsOf(dataset);
  // As `data.split: [0.8, 0, 0.2]` of a run.
  const splits = stratifiedSplit(labels, { train: 0.8, test: 0.2 });
  const [train, test] = ["train", "test"].map((name) => rowsOfSplit(splits, name));
  const tested = matrixRows(values, test, width);
  for (const asked of given.labels.split(",")) {
    const share = asked === "all" ? 1 : Math.min(1, Number(asked) / train.length);
    // All labels are the same ones whatever the seed.
    const scores = (share < 1 ? seeds : seeds.slice(0, 1)).map((seed) => {
      const rows = takeFraction(labels, train, share, seed);
      const targets = oneHot(labelsOf(dataset, rows), k);
      const p = askHead(trainHead(matrixRows(values, rows, width), targets, k), tested);
      const right = test.filter((row, i) => argmax(p, i * k, k) === labels[row]).length;
      return right / test.length;
    });
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const each = scores.map((score) => score.toFixed(3)).join(" ");
    console.log(
      `${orientations} of 8 orientations, ${asked} labels: ${mean.toFixed(4)} (${each}), ${test.length} tested`,
    );
  }
}
