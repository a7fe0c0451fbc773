import { printable } from "../core/printable";
import type { ExperimentConfig } from "./config";
import { openSplit, type SplitDataset } from "./experiment-data";
import type { RunFolder } from "./run-folder";

/** Called while data are downloaded or generated, with bytes or galaxies done and in all. */
type OnProgress = (done: number, total: number) => void;

/** The data of an experiment, open from when they are first asked for until they are closed. */
export class HeldData {
  private held: Promise<SplitDataset> | undefined;
  /** Whether it has the split of the run, and not one drawn anew. */
  private isKept = false;
  /** Data that were opened before a restart: a cell may still show them. */
  private older: Promise<SplitDataset>[] = [];

  constructor(
    private readonly config: ExperimentConfig,
    private readonly run: RunFolder,
  ) {}

  /**
   * The data, opened once.
   *
   * @param keepsSplit Whether each row's split is that of the run; asked when they are opened.
   */
  get(keepsSplit: () => boolean, onProgress?: OnProgress): Promise<SplitDataset> {
    this.held ??= this.open(keepsSplit(), onProgress);
    return this.held;
  }

  /** The data with a split that is drawn from the settings alone. */
  drawn(onProgress?: OnProgress): Promise<SplitDataset> {
    if (this.held !== undefined && this.isKept) {
      this.older.push(this.held);
      this.held = undefined;
    }
    return this.get(() => false, onProgress);
  }

  /** Close whatever is open. */
  async close(): Promise<void> {
    const all = this.held === undefined ? this.older : [...this.older, this.held];
    this.held = undefined;
    this.older = [];
    // What could not be opened needs no closing, and whoever asked for it was told.
    for (const data of all) await (await data.catch(() => undefined))?.dataset.close();
  }

  private async open(isKept: boolean, onProgress?: OnProgress): Promise<SplitDataset> {
    this.isKept = isKept;
    try {
      const split = await openSplit(this.config, {
        run: isKept ? this.run : undefined,
        onProgress,
      });
      for (const notice of split.notices) console.warn(printable(notice));
      return split;
    } catch (error) {
      this.held = undefined;
      throw error;
    }
  }
}
