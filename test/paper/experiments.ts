import { join } from "node:path";
import { loadAblation } from "#lib/train/ablation-config";
import type { ExperimentConfig } from "#lib/train/config";
import { configNames, loadConfig } from "#lib/train/config-file";

const FOLDER = join(__dirname, "..", "..", "notebooks", "configs");
const FILES = [
  ...["quickstart", "train-and-evaluate", "gz2-efficient-vit", "attention-maps", "vote-fractions"],
  "eighteen-models",
];

/** A training of a notebook as the profile `paper` has it. */
export interface PaperExperiment {
  /** `FILE NAME`. */
  readonly name: string;
  readonly config: ExperimentConfig;
}

/** All of them, by the order of the notebooks; of the ablation each network once. */
export function paperExperiments(): PaperExperiment[] {
  const options = { profile: "paper" };
  const listed = FILES.flatMap((file) => {
    const path = join(FOLDER, `${file}.yaml`);
    const names = configNames(path, options);
    if (names.length === 0) return [{ name: file, config: loadConfig(path, options) }];
    return names.map((name) => ({
      name: `${file} ${name}`,
      config: loadConfig(path, options, name),
    }));
  });
  const networks = new Map<string, PaperExperiment>();
  for (const { rows, config } of loadAblation(join(FOLDER, "ablation.yaml"), options)) {
    const name = `ablation ${rows[0].row.model}`;
    if (!networks.has(name)) networks.set(name, { name, config });
  }
  return [...listed, ...networks.values()];
}

/**
 * The same with one epoch of two steps, and without the weights that would be fetched.
 *
 * @param batchSize Galaxies a step. Default: the config's.
 */
export function inTwoSteps(
  { train, data, model, ...others }: ExperimentConfig,
  batchSize = train.batchSize,
): ExperimentConfig {
  const { weights: _, ...network } = model;
  const stages = train.stages?.map((stage) => ({ ...stage, epochs: 1 }));
  return {
    ...others,
    model: network,
    data: { ...data, split: [0.7, 0.15, 0.15], balance: undefined },
    train: { ...train, batchSize, epochs: 1, ...(stages ? { stages } : {}) },
  };
}

/** How many galaxies two steps want, with some to validate and to test on. */
export const galaxiesFor = (batchSize: number) => Math.ceil((2.3 * batchSize) / 0.7);
