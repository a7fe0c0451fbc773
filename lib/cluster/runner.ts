/** A unit to be started. */
export interface Job {
  /** Tells this attempt at this unit from every other: letters, digits, `-`. */
  readonly id: string;
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[];
  /** File to which what it prints is appended. Its folder is there. */
  readonly log: string;
}

/** How a started unit is. */
export interface JobState {
  /** `queued`: it waits for a place. `ended` says nothing of success: that is known by the output. */
  readonly state: "queued" | "running" | "ended";
  /** How it ended, in a sentence. Default: nothing is known of that. */
  readonly reason?: string;
}

/** What a unit takes of a machine. */
export interface Resources {
  /** Cores of a unit, and threads of an op. Default: on this machine all, elsewhere 1. */
  readonly cpus?: number;
  /** GPUs of a unit. Default 0. */
  readonly gpus?: number;
}

/** How a runner is made. */
export interface RunnerOptions extends Resources {
  /**
   * How many units run at once. Default: on this machine one, or as many as it has GPUs where units take
   * one; elsewhere all are handed over, and wait in the queue there.
   */
  readonly atOnce?: number;
  /** Where Ray's dashboard listens. Default: `RAY_ADDRESS`, else http://127.0.0.1:8265. Ray alone. */
  readonly address?: string;
  /** Further arguments of `sbatch`, such as `--partition=gpu`. Default: none. Slurm alone. */
  readonly sbatch?: readonly string[];
}

/** Where units run. */
export interface Runner {
  /** As it is asked for. */
  readonly name: string;
  /** How many units are handed over at once. */
  readonly slots: number;
  /** Whether units go on when the process that started them is gone. */
  readonly detached: boolean;
  /**
   * Start a unit. The same id twice is the same job.
   *
   * @returns by what the runner knows it, in this process or another
   * @throws UserError when it cannot be started at all, such as by an address that does not answer
   */
  start(job: Job): Promise<string>;
  /** How units are, by their handles. One that the runner does not know has ended. */
  poll(handles: readonly string[]): Promise<ReadonlyMap<string, JobState>>;
  /** End a unit; it need not run any more. */
  stop(handle: string): Promise<void>;
}

/** Makes a {@link Runner}. */
export interface RunnerDefinition {
  /** What it is, for the help. */
  readonly sentence: string;
  /** Which options are for it and not for every runner. */
  readonly takes: readonly (keyof RunnerOptions)[];
  /** @throws UserError when it is not there */
  open(options: RunnerOptions): Promise<Runner>;
}
