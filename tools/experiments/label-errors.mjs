/**
 * How well wrong labels are found: some labels of a data set are exchanged at random, and the galaxies ranked by how
 * little heads believe their label that have not seen them. The heads stand on the features of a network that learned something else.
 *
 *     node tools/experiments/label-errors.mjs [--data SPEC] [--size 96] [--crop N] [--orientations 1|8]
 *         [--flipped 0.05] [--seeds 3] [--model NAME] [--weights FILE]
 */
import { parseArgs } from "node:util";
import { Random } from "#lib/core/random";
import { labelsOf } from "#lib/data/labels";
import { rankLabelErrors } from "#lib/evaluate/label-errors";
import { crossPredict } from "#lib/evaluate/linear-head";
import { createPredictions } from "#lib/evaluate/predictions";
import { rankSum } from "#lib/evaluate/rank-sum";
import { backboneFeatures } from "./features.mjs";

const { values: given } = parseArgs({
  options: {
    data: { type: "string", default: "synthetic" },
    size: { type: "string", default: "96" },
    crop: { type: "string" },
    orientations: { type: "string", default: "1" },
    flipped: { type: "string", default: "0.05" },
    seeds: { type: "string", default: "3" },
    model: { type: "string" },
    weights: { type: "string" },
  },
});

const { dataset, values } = await backboneFeatures({
  ...given,
  size: Number(given.size),
  crop: given.crop && Number(given.crop),
  orientations: Number(given.orientations),
});
const { classNames } = dataset;
const truth = labelsOf(dataset);
const ids = Array.from(truth, (_, row) => String(row));
for (let seed = 1; seed <= Number(given.seeds); seed++) {
  const random = new Random(seed, "label errors");
  const order = random.permutation(truth.length);
  const flipped = new Set(order.subarray(0, Math.round(Number(given.flipped) * truth.length)));
  const labels = Int32Array.from(truth, (label, row) =>
    flipped.has(row)
      ? (label + 1 + random.integer(classNames.length - 1)) % classNames.length
      : label,
  );
  const probabilities = crossPredict(values, labels, classNames.length);
  const found = rankLabelErrors(createPredictions({ classNames, ids, labels, probabilities }));
  const doubt = (wrong) =>
    found
      .filter(({ id }) => flipped.has(Number(id)) === wrong)
      .map(({ confidence }) => -confidence);
  const { auroc } = rankSum(doubt(true), doubt(false));
  const right = found.filter(({ id, suggested }) => suggested === truth[Number(id)]).length;
  const suspects = found.filter(({ suspect }) => suspect);
  const caught = suspects.filter(({ id }) => flipped.has(Number(id))).length;
  const first = found.slice(0, flipped.size).filter(({ id }) => flipped.has(Number(id))).length;
  console.log(
    `seed ${seed}: AUROC ${auroc.toFixed(4)}; ${first} of ${flipped.size} among the first ${flipped.size}; ` +
      `${suspects.length} suspects, ${caught} of them exchanged; true class found of ${(right / truth.length).toFixed(3)}`,
  );
}
