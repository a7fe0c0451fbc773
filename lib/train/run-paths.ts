import { join } from "node:path";

/** Where each file of a run stands in its folder. */
export class RunPaths {
  /** @param path The folder; it need not be there. */
  constructor(readonly path: string) {}

  /** What was done: the experiment's config with every default filled in. */
  get configPath(): string {
    return join(this.path, "config.yaml");
  }
  /** Loss and scores, a row an epoch. */
  get historyPath(): string {
    return join(this.path, "history.csv");
  }
  /** Metrics on the test split. Written last: where it stands, the run is finished. */
  get metricsPath(): string {
    return join(this.path, "metrics.json");
  }
  /** What the model says of each test galaxy. */
  get predictionsPath(): string {
    return join(this.path, "predictions.csv");
  }
  /** Which galaxy is in which split: `id,split`. */
  get splitPath(): string {
    return join(this.path, "split.csv");
  }
  /** Digests of what is learned from: `id,target,picture`. */
  get digestsPath(): string {
    return join(this.path, "digests.csv");
  }
  /** The checkpoint from which an interrupted run goes on. */
  get latestPath(): string {
    return join(this.path, "checkpoints", "latest");
  }
  /** The checkpoint of the best epoch. */
  get bestPath(): string {
    return join(this.path, "checkpoints", "best");
  }
  /** How the training went, once it has ended: its seconds and its memory. */
  get trainingCompletePath(): string {
    return join(this.path, "training-complete.json");
  }
  /** What the model says of each validation galaxy, once it is evaluated or somebody has asked. */
  get validationPath(): string {
    return join(this.path, "validation.csv");
  }
  /** What was asked. */
  get taskPath(): string {
    return join(this.path, "task.json");
  }
  /** Of boosted trees: what was boosted, and on which network. A network's run has no such file. */
  get boostPath(): string {
    return join(this.path, "boost.yaml");
  }
  /** Of boosted trees: a file an answer. */
  get boostersPath(): string {
    return join(this.path, "boosters");
  }
  /** Figures by name, put where this run keeps them: what `exportFigures` takes. */
  figures<F>(byName: Readonly<Record<string, F>>): Record<string, F> {
    const entries = Object.entries(byName);
    return Object.fromEntries(entries.map(([name, f]) => [join(this.path, "figures", name), f]));
  }
}
