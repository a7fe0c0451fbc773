import { ablationTable } from "../evaluate/ablation-table";
import { accuracyByColumn } from "../evaluate/by-column";
import { reliabilityTable } from "../evaluate/calibration";
import { coverageTable } from "../evaluate/conformal";
import { scoreInterval } from "../evaluate/intervals";
import { compareDetectors } from "../evaluate/outliers";
import { evaluate } from "../evaluate/summary";
import { voteMetrics } from "../evaluate/vote-metrics";
import { voteReliability } from "../evaluate/vote-reliability";
import { ablationHeatMap } from "./ablation-heat-map";
import { accuracyCurve } from "./accuracy-curve";
import { answerBars } from "./answer-bars";
import { attentionGrid } from "./attention-grid";
import { augmentationSheet } from "./augmentation-sheet";
import { classDistribution } from "./class-distribution";
import { confusedPairs } from "./confused-pairs";
import { confusionMatrix } from "./confusion-matrix";
import { distributionComparison } from "./distribution-comparison";
import { embeddingScatter } from "./embedding-scatter";
import { errorAgainstTime } from "./error-against-time";
import {
  exampleAblation,
  exampleDataset,
  exampleEmbedding,
  exampleHistory,
  exampleImages,
  exampleMagnitudes,
  exampleMap,
  examplePermutations,
  examplePredictions,
  exampleSeen,
  exampleSweep,
  exampleVotes,
  exampleVoteTable,
} from "./examples";
import type { Figure } from "./figure";
import { hexBins } from "./hex-bins";
import { modelComparison } from "./model-comparison";
import { outlierHeatMap } from "./outlier-heat-map";
import { pairedModels } from "./paired-models";
import { panels } from "./panels";
import { parallelCoordinates } from "./parallel-coordinates";
import { parameterImportanceBars } from "./parameter-importance-bars";
import { perClassBars } from "./per-class-bars";
import { permutationPanels } from "./permutation-panels";
import { pictureUris } from "./pictures";
import { questionHeatMap } from "./question-heat-map";
import { rankingCurves } from "./ranking-curves";
import { reliabilityDiagram } from "./reliability-diagram";
import { reliabilityPanels } from "./reliability-panels";
import { saliencyOverlay } from "./saliency-overlay";
import { sampleGrid } from "./sample-grid";
import { scoreCurves } from "./score-curves";
import { setCoverage } from "./set-coverage";
import { similarGalaxies } from "./similar-galaxies";
import type { FigureOptions } from "./theme";
import { trainingCurves } from "./training-curves";
import { valueScatter } from "./value-scatter";
import { votePosterior } from "./vote-posterior";
import { voteTree } from "./vote-tree";

/** Draws a figure from made-up tables: what tests and the gallery show. */
export type FigureExample = (options: FigureOptions) => Figure | Promise<Figure>;

const predictions = examplePredictions;
const summary = () => evaluate(predictions());
const models = { ViT: 2.4, ConvNeXt: 2.2, "ResNet-50": 1.8 } as const;
const perModel = <T>(make: (p: ReturnType<typeof predictions>) => T): Record<string, T> =>
  Object.fromEntries(
    Object.entries(models).map(([name, skill], i) => [name, make(predictions(2000, i, skill))]),
  );

/** Every figure by name, with its example. A new figure is one file and one line here. */
export const figureRegistry: Readonly<Record<string, FigureExample>> = {
  "ablation-heat-map": (options) => ablationHeatMap(ablationTable(exampleAblation()), options),
  "accuracy-curve": (options) => {
    const skills = [2.4, 2.35, 2.3, 2.25, 2.2, 1.8];
    const tables = skills.map((skill) => predictions(2000, 0, skill));
    const magnitudes = exampleMagnitudes(tables[0]);
    const curves = tables.map((table, i) => [
      `network ${i + 1}`,
      accuracyByColumn(table, magnitudes, { bins: 6 }),
    ]);
    return accuracyCurve(Object.fromEntries(curves), { title: "r magnitude (mag)", ...options });
  },
  "answer-bars": (options) => answerBars(voteMetrics(exampleVoteTable()), options),
  "attention-grid": (options) => {
    const rowLabels = ["layer 1", "layer 6", "layer 12"];
    const columnLabels = Array.from({ length: 6 }, (_, i) => `head ${i + 1}`);
    const maps = rowLabels.flatMap((_, r) =>
      columnLabels.flatMap((_, c) => [...exampleMap(14, r + c)]),
    );
    return attentionGrid({ maps, mapSize: [14, 14], rowLabels, columnLabels }, options);
  },
  "augmentation-sheet": (options) => {
    const original = exampleImages(6);
    const images = {
      original,
      negative: original.map((v) => 255 - v),
      dimmed: original.map((v) => v / 2),
    };
    return augmentationSheet({ images, imageSize: [64, 64] }, options);
  },
  "class-distribution": (options) => classDistribution(exampleDataset(), options),
  "confused-pairs": (options) =>
    confusedPairs({ dataset: exampleDataset(), predictions: predictions() }, options),
  "confusion-matrix": (options) => confusionMatrix(summary(), options),
  "confusion-matrices": (options) =>
    panels([
      confusionMatrix(summary(), { show: "counts", ...options }),
      confusionMatrix(summary(), options),
    ]),
  "distribution-comparison": (options) => {
    const { predicted, truth } = exampleVotes();
    const k = predicted.answers.length;
    const column = (values: Float64Array, a: number) => values.filter((_, i) => i % k === a);
    return distributionComparison(
      predicted.answers.map((title, a) => ({
        title,
        samples: { true: column(truth.values, a), predicted: column(predicted.values, a) },
      })),
      options,
    );
  },
  "embedding-scatter": (options) => embeddingScatter(exampleEmbedding(), options),
  "error-against-time": (options) => {
    const kinds = ["network", "ensemble", "XGBoost", "LightGBM"];
    const made = kinds.flatMap((kind, k) =>
      ["ResNet-50", "ConvNeXt-Base", "SwinV2-S"].map((name, m) => {
        const seconds = [900, 2700, 40, 12][k] * (1 + m);
        return { name: `${name} ${kind}`, kind, seconds, mae: 0.09 - 0.004 * m + 0.003 * k };
      }),
    );
    return errorAgainstTime(made, options);
  },
  "hex-bins": (options) => hexBins(exampleVotes(), options),
  "model-comparison": (options) => {
    const compared = perModel((p) => ({
      accuracy: scoreInterval(p, (s) => s.accuracy, { samples: 200 }),
      "macro F1": scoreInterval(p, (s) => s.macroF1, { samples: 200 }),
    }));
    const rows = Object.entries(compared).map(([name, metrics]) => ({ name, metrics }));
    return modelComparison(rows, options);
  },
  overview: (options) =>
    panels([
      classDistribution(exampleDataset(), options),
      perClassBars(summary(), options),
      rankingCurves(predictions(), options),
      trainingCurves(exampleHistory(), options),
    ]),
  "outlier-heat-map": (options) => {
    const kinds = { "blank sky": 3, "everyday picture": 2, "other survey": 0.6 };
    const seen = Object.entries(kinds).map(([kind, away]) => [kind, exampleSeen(away)]);
    const scores = compareDetectors(exampleSeen(0), exampleSeen(0, 1), Object.fromEntries(seen));
    return outlierHeatMap(scores, options);
  },
  "paired-models": (options) =>
    pairedModels(
      ["ResNet-50", "EfficientNetV2-S", "ConvNeXt-Base"].map((name, m) => ({
        name,
        errors: { network: 0.09 - 0.005 * m, XGBoost: 0.094 - 0.003 * m, LightGBM: 0.092 },
      })),
      options,
    ),
  "parallel-coordinates": (options) => parallelCoordinates(exampleSweep(), options),
  "parameter-importance": (options) => parameterImportanceBars(exampleSweep(), options),
  "per-class-bars": (options) => perClassBars(summary(), options),
  "permutation-panels": (options) =>
    permutationPanels(
      { "Fréchet distance": examplePermutations(9), "MMD²": examplePermutations(0.4) },
      options,
    ),
  "precision-recall-curves": (options) =>
    rankingCurves(predictions(), { show: "precision-recall", ...options }),
  "question-heat-map": (options) => {
    const { perQuestion } = voteMetrics(exampleVoteTable());
    const models = ["ResNet-50", "XGBoost on ResNet-50", "equal ensemble"].map((name, m) => ({
      name,
      perQuestion: perQuestion.map((one) => ({ ...one, accuracy: one.accuracy ** (1 + 0.3 * m) })),
    }));
    return questionHeatMap(models, options);
  },
  "reliability-diagram": (options) => reliabilityDiagram(reliabilityTable(predictions()), options),
  "roc-curves": (options) => rankingCurves(predictions(), options),
  "saliency-overlay": (options) => {
    const rows = ["Barred Spiral", "Merging"].map((name, i) => ({
      name,
      pixels: exampleImages(2).subarray(i * 64 * 64 * 3, (i + 1) * 64 * 64 * 3),
      maps: {
        rollout: { values: exampleMap(14, i), size: [14, 14] as const },
        "Grad-CAM": { values: exampleMap(7, i + 1), size: [7, 7] as const },
        "integrated gradients": { values: exampleMap(64, i + 2), size: [64, 64] as const },
      },
    }));
    return saliencyOverlay({ rows, imageSize: [64, 64] }, options);
  },
  "sample-grid": (options) => sampleGrid(exampleDataset(), options),
  "score-curves": (options) => {
    const labels = [20, 40, 60, 80, 100];
    const curve = (rate: number) =>
      labels.map((x) => {
        const value = 0.12 + 0.2 * Math.exp(-x / rate);
        return { x, value, low: value - 0.01, high: value + 0.01 };
      });
    return scoreCurves(
      { random: curve(80), BALD: curve(50), "k-center": curve(60) },
      { xTitle: "Labeled galaxies", yTitle: "Mean absolute error", ...options },
    );
  },
  "value-scatter": (options) => {
    const embedding = exampleEmbedding();
    const values = Array.from(embedding.x, (x, i) =>
      i % 20 === 0 ? Number.NaN : 0.1 + 0.01 * x + 0.005 * embedding.y[i],
    );
    return valueScatter({ ...embedding, values }, { title: "redshift", ...options });
  },
  "vote-posterior": async (options) => {
    const [uri] = await pictureUris(exampleImages(1), [64, 64]);
    return votePosterior({ table: exampleVoteTable(), row: 5, uri }, options);
  },
  "vote-reliability": (options) =>
    reliabilityPanels(voteReliability(exampleVoteTable(), 6).slice(0, 8), options),
  "vote-tree": (options) => voteTree({ table: exampleVoteTable(), row: 5 }, options),
  "set-coverage": (options) => {
    const table = (score: "threshold" | "adaptive") =>
      coverageTable(predictions(2000, 0), predictions(2000, 1), { score });
    return setCoverage({ threshold: table("threshold"), adaptive: table("adaptive") }, options);
  },
  "similar-galaxies": (options) => {
    const dataset = exampleDataset();
    const rows = [3, 7, 9, 11, 13, 20, 22, 24, 26, 28, 30, 32];
    const similarity = rows.map((_, i) => 1 - 0.013 * (i % 6));
    return similarGalaxies(
      { dataset, queries: [3, 22], neighbors: { rows, similarity, k: 6 } },
      options,
    );
  },
  "training-curves": (options) => trainingCurves(exampleHistory(), options),
};
