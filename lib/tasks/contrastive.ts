import { UserError } from "../core/errors";
import { asText, namedColumns } from "../core/table";
import { labelsOf } from "../data/labels";
import { parseCsv } from "../io/csv-table";
import { formatCsv } from "../io/csv-text";
import type { LossOptions } from "./loss";
import { ntXent, pairsFound } from "./losses/nt-xent";
import type { TaskDefinition } from "./registry";
import type { PredictionTable, Task } from "./task";

/** Where the views of galaxies lie on the sphere that a network learned to spread them on. */
interface ProjectionTable extends PredictionTable {
  /** Unit vectors, float64 `[rows, PROJECTION]`. */
  readonly projections: Float64Array;
  /** Class of each row, empty where it is not known: nothing is learned from it. */
  readonly labels: readonly string[];
}

/** Dimensions of the sphere, as in the paper. */
const PROJECTION = 128;
/** Galaxies that are compared with one another to measure a table: the first ones. */
const COMPARED = 2000;

const outputs = Array.from({ length: PROJECTION }, (_, i) => `z${i + 1}`);

/**
 * Self-supervision without labels, SimCLR (Chen et al. 2020, arXiv:2002.05709): two random views of the same galaxy are to
 * lie near each other, and away from all other galaxies. Its projection is one linear layer, which a
 * classifier replaces where the run's weights are learned on from. Only for those who ask for it: every data set fits.
 */
export const contrastive: TaskDefinition = {
  name: "contrastive",
  sentence: "which two views are of the same galaxy; needs no labels",
  losses: [ntXent],
  fits: () => true,
  onlyWhenNamed: true,
  fromDataset: (_, options) => createContrastive(options),
  fromDescription: () => createContrastive({ name: "ntXent" }),
};

function createContrastive(options: LossOptions): Task<ProjectionTable> {
  return {
    description: { task: "contrastive", loss: "ntXent", outputs },
    outputs,
    numLogits: PROJECTION,
    targetWidth: 1,
    views: 2,

    targets: (_, rows) => new Float32Array(rows.length),
    truths: (_, rows) => new Float64Array(rows.length * PROJECTION).fill(Number.NaN),
    // As a classifier's, so that the test galaxies of both are the same; those without a class are one group more.
    strata(dataset) {
      const { classNames } = dataset;
      const of = labelsOf(dataset).map((label) => (label < 0 ? classNames.length : label));
      return { of, names: [...classNames, "unlabeled"] };
    },
    createLoss: () =>
      ntXent.create(ntXent.schema.parse(options), {
        strata: new Int32Array(),
        outputs,
        questions: [],
      }),
    activate: (logits) => ntXent.activate(logits, []),
    trainingScore: { name: "pairsFound", sum: pairsFound },

    normalize: (raw) => unitVectors(raw),
    table(dataset, rows, answers) {
      const ids = asText(dataset.table.id);
      const bad = answers.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        throw new UserError(
          `the answer about ${ids[rows[Math.floor(bad / PROJECTION)]]} in ${dataset.name} is ${answers[bad]}`,
          "look at the image and at the network's weights",
        );
      }
      return {
        ids: Array.from(rows, (row) => ids[row]),
        projections: answers,
        labels: Array.from(labelsOf(dataset, rows), (label) => dataset.classNames[label] ?? ""),
      };
    },
    answers: ({ projections }) => projections,
    notices: () => [],
    catalogColumns: ({ projections }) => namedColumns(projections, outputs),
    formatTable: ({ ids, labels, projections }) =>
      formatCsv(
        ["id", "label", ...outputs],
        ids.map((id, i) => [
          id,
          labels[i],
          ...projections.subarray(i * PROJECTION, (i + 1) * PROJECTION),
        ]),
      ),
    parseTable(text, file) {
      const wanted = Object.fromEntries(outputs.map((name) => [name, "number" as const]));
      const { columns } = parseCsv(text, file, { id: "text", label: "text", ...wanted });
      const ids = asText(columns.id);
      return {
        ids,
        projections: Float64Array.from({ length: ids.length * PROJECTION }, (_, at) =>
          Number(columns[outputs[at % PROJECTION]][Math.floor(at / PROJECTION)]),
        ),
        labels: asText(columns.label),
      };
    },

    metrics: measure,
    monitors: { neighborAccuracy: "max", uniformity: "min" },
    monitored: measure,
    defaultMonitor: "uniformity",
    headline: ["neighborAccuracy", "uniformity"],
    figures: ["training-curves"],
    describe: ({ projections }, row) => ({
      answer: `z1 ${projections[row * PROJECTION].toFixed(2)}`,
    }),
  };
}

/**
 * How the projections of some galaxies lie, of the first 2,000 at most.
 *
 * @returns `uniformity`: logarithm of the mean of exp(−2 d²) over pairs at the distance d, 0 where all lie at one place
 *   (Wang & Isola 2020, arXiv:2005.10242); `neighborAccuracy`: how many galaxies of known class have
 *   the nearest other one in their own class, where classes are known
 */
function measure({ projections, labels, ids }: ProjectionTable): Record<string, number> {
  const n = Math.min(ids.length, COMPARED);
  let [sum, known, right] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    let [best, nearest] = [Number.NEGATIVE_INFINITY, -1];
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      let cosine = 0;
      for (let d = 0; d < PROJECTION; d++)
        cosine += projections[i * PROJECTION + d] * projections[j * PROJECTION + d];
      // Between unit vectors d² = 2 − 2 cos.
      sum += Math.exp(-4 * (1 - cosine));
      if (cosine > best && labels[j] !== "") [best, nearest] = [cosine, j];
    }
    if (labels[i] === "" || nearest < 0) continue;
    known++;
    if (labels[nearest] === labels[i]) right++;
  }
  return {
    ...(known > 0 && { neighborAccuracy: right / known }),
    ...(n > 1 && { uniformity: Math.log(sum / (n * (n - 1))) }),
  };
}

function unitVectors(raw: Float64Array): Float64Array {
  const unit = raw.slice();
  for (let from = 0; from < unit.length; from += PROJECTION) {
    const row = unit.subarray(from, from + PROJECTION);
    const length = Math.hypot(...row) || 1;
    for (let d = 0; d < PROJECTION; d++) row[d] /= length;
  }
  return unit;
}
