import { join } from "node:path";
import type { BoostSettings } from "../boost/boost-settings";
import { trainBoosted } from "../boost/boosted-run";
import { boosterLibrary } from "../boost/registry";
import { UserError } from "../core/errors";
import { ensembleVotes, ensembleWeights } from "../evaluate/ensemble";
import type { ModelResult } from "../evaluate/model-table";
import { fitStacking, type StackingWeights, stackVotes } from "../evaluate/stacking";
import { type VoteMetrics, voteMetrics } from "../evaluate/vote-metrics";
import type { VotePredictions } from "../evaluate/vote-predictions";
import { formatVotePredictions } from "../evaluate/vote-predictions-csv";
import { writeFileAtomic } from "../io/atomic";
import { exportFigures } from "../plots/export-figures";
import { trainingCurves } from "../plots/training-curves";
import type { Experiment } from "../train/experiment";
import type { FitResult } from "../train/monitor";
import { RunFolder } from "../train/run-folder";
import type { RunResult } from "../train/run-result";
import { validationPredictions } from "../train/validation-predictions";
import { askIfExists, type IfRunExists } from "./ask-if-exists";
import { Interruption, untilInterrupted } from "./interrupt";
import { withProgress } from "./progress";
import { evaluateRun, train } from "./training";

/** How the members of an ensemble are weighted, always by validation galaxies. */
export type EnsembleScheme = "equal" | "accuracy" | "inverse-mae" | "stacking";

interface Trained {
  readonly experiment: Experiment;
  validation?: VotePredictions;
}

/**
 * Many models of votes beside each other: networks, ensembles of them, and boosted trees on their features.
 *
 * A model that fails keeps its row, with the reason; the others go on. An interrupt by a person is no
 * failure: it ends the cell.
 */
export class ModelStudy {
  private readonly networks = new Map<string, Trained>();
  private readonly rows = new Map<string, ModelResult>();

  /** @param folder Where ensembles and boosted trees go; networks have folders of their own. */
  constructor(readonly folder: string) {}

  /** Every model so far, in the order in which they came. */
  get results(): ModelResult[] {
    return [...this.rows.values()];
  }

  /** Names of the networks, in that order, whether they failed or not. */
  get networkNames(): string[] {
    return [...this.networks.keys()];
  }

  /**
   * Train a network, with its curves as `figures/training-curves` in the run's folder.
   *
   * @param ifExists What to do where its folder holds a run. Default `auto`.
   * @returns undefined where it failed or was skipped before its end
   */
  train(
    name: string,
    experiment: Experiment,
    { ifExists = "auto" }: { readonly ifExists?: IfRunExists } = {},
  ): Promise<FitResult | undefined> {
    this.networks.set(name, { experiment });
    return this.attempt({ name, kind: "network" }, async () => {
      const chosen = await askIfExists(experiment, ifExists);
      if (chosen === "skip") return undefined;
      const fit = await train(experiment, { ifExists: chosen });
      const curves = experiment.run.figures({ "training-curves": trainingCurves(fit.history) });
      await exportFigures(curves, { formats: ["pdf", "png"] });
      return fit;
    });
  }

  /**
   * Test a trained network, and ask it about the validation galaxies. Its weights are released afterwards.
   *
   * @returns undefined where it failed, here or in training
   */
  async evaluate(name: string): Promise<RunResult<VotePredictions, VoteMetrics> | undefined> {
    const trained = this.networks.get(name);
    if (trained === undefined) {
      throw new UserError(`there is no network "${name}" here`, "run the cell that trains it");
    }
    if (this.rows.get(name)?.failure !== undefined) return undefined;
    const { experiment } = trained;
    return this.attempt({ name, kind: "network" }, async (row) => {
      const result = await evaluateRun<VotePredictions, VoteMetrics>(experiment);
      trained.validation = await untilInterrupted((signal) =>
        validationPredictions<VotePredictions>(experiment, signal),
      );
      await experiment.dispose();
      const { predictions, metrics, seconds } = result;
      const peakMemory = experiment.run.readTrainingComplete()?.peakMemory;
      this.rows.set(name, { ...row, predictions, metrics, seconds, peakMemory });
      return result;
    });
  }

  /**
   * The weighted mean of every network that did not fail. Weights come from the validation galaxies, never
   * from the test galaxies. Its predictions, metrics and weights go to a folder of its name.
   *
   * @returns weights of the members, by name; of stacking those of each question
   */
  ensemble(
    name: string,
    scheme: EnsembleScheme,
  ): Promise<Readonly<Record<string, readonly number[]>> | undefined> {
    return this.attempt({ name, kind: "ensemble" }, async (row) => {
      const members = [...this.networks].flatMap(([member, { validation }]) => {
        const result = this.rows.get(member);
        if (result?.predictions === undefined || validation === undefined) return [];
        return [{ ...result, predictions: result.predictions, validation }];
      });
      if (members.length < 2) {
        throw new UserError(
          `of ${this.networks.size} networks ${members.length} can be put together`,
          "train and evaluate two or more",
        );
      }
      const { weights, predictions } = combined(scheme, members);
      const metrics = voteMetrics(predictions);
      const folder = this.folderOf(name);
      const named = scheme === "stacking" ? { members: members.map((m) => m.name) } : {};
      writeFileAtomic(join(folder, "weights.json"), json({ scheme, ...named, weights }));
      writeFileAtomic(join(folder, "predictions.csv"), formatVotePredictions(predictions));
      writeFileAtomic(join(folder, "metrics.json"), json(metrics));
      const seconds = members.reduce((sum, member) => sum + (member.seconds ?? 0), 0);
      const peakMemory = Math.max(...members.map((member) => member.peakMemory ?? 0));
      this.rows.set(name, { ...row, predictions, metrics, seconds, peakMemory });
      return weights;
    });
  }

  /**
   * Boosted trees on a network's features, in a run's folder of their own.
   *
   * @param library Name of the library.
   * @param network Name of a network of this study.
   * @param ifExists What to do where the folder holds a run. Default `auto`.
   * @returns undefined where it failed
   */
  boost(
    name: string,
    library: string,
    network: string,
    boost: BoostSettings,
    { ifExists = "auto" }: { readonly ifExists?: "auto" | "restart" | "skip" } = {},
  ): Promise<RunResult<VotePredictions, VoteMetrics> | undefined> {
    const { title } = boosterLibrary(library);
    return this.attempt({ name, kind: title, backbone: network }, async (row) => {
      const backbone = this.networks.get(network);
      const failed = this.rows.get(network)?.failure;
      if (backbone === undefined || failed !== undefined) {
        throw new UserError(
          `${network} has no features: ${failed ?? "it is not trained"}`,
          "train it first",
        );
      }
      const { path } = backbone.experiment.run;
      const run = this.folderOf(name);
      const result = await withProgress(`boosting ${network}`, (onProgress) =>
        untilInterrupted((signal) =>
          trainBoosted<VotePredictions, VoteMetrics>(
            { library, backbone: path, run, boost },
            { ifExists, signal, onProgress },
          ),
        ),
      );
      const { predictions, metrics, seconds } = result;
      const peakMemory = new RunFolder(run).readTrainingComplete()?.peakMemory;
      this.rows.set(name, { ...row, predictions, metrics, seconds, peakMemory });
      return result;
    });
  }

  /** `XGBoost on ResNet-50` → `xgboost-on-resnet-50`, in the study's folder. */
  private folderOf(name: string): string {
    return join(this.folder, name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-"));
  }

  /** Do one step of a model; what goes wrong is told, and kept as its row. */
  private async attempt<T>(
    row: ModelResult,
    work: (row: ModelResult) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      this.rows.set(row.name, row);
      return await work(row);
    } catch (error) {
      if (error instanceof Interruption) throw error;
      const failure = error instanceof UserError ? error.problem : String(error);
      console.error(`✗ ${row.name}: ${error instanceof UserError ? error.message : failure}`);
      this.rows.set(row.name, { ...row, failure });
      return undefined;
    }
  }
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

interface Member {
  readonly name: string;
  readonly predictions: VotePredictions;
  readonly validation: VotePredictions;
}

function combined(
  scheme: EnsembleScheme,
  members: readonly Member[],
): { weights: StackingWeights; predictions: VotePredictions } {
  const tested = members.map(({ predictions }) => predictions);
  if (scheme === "stacking") {
    const weights = fitStacking(members.map(({ validation }) => validation));
    return { weights, predictions: stackVotes(tested, weights) };
  }
  const scores = members.map(({ validation }) => {
    const { mae, roundedAccuracy } = voteMetrics(validation, { samples: 1 });
    return scheme === "accuracy" ? roundedAccuracy : mae;
  });
  const weights = ensembleWeights(scheme, scores);
  const [{ strengths: _, ...first }] = tested;
  const { values } = ensembleVotes(tested, weights);
  const byName = members.map(({ name }, m) => [name, [weights[m]]]);
  return { weights: Object.fromEntries(byName), predictions: { ...first, values } };
}
