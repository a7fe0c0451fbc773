/** The rungs of the engine ladder, best first. */
export type EngineName = "cuda" | "cpu" | "wasm";

/**
 * Number formats a step may be computed in. `mixed_bfloat16`: products in bfloat16, and what lies between them.
 * `bfloat16_products`: the products alone, each rounded once more; for predictions, nearer to float32.
 */
export type Precision = "float32" | "mixed_bfloat16" | "bfloat16_products";

/** Which tensor engine runs, and on what. */
export interface EngineInfo {
  /** The rung of the ladder. */
  readonly name: EngineName;
  /** The device's name, for a person. */
  readonly device: string;
  /** Name and version of the library behind the engine. */
  readonly version: string;
  /** Which vector instructions the processor has and whether bfloat16 gains by them; `cpu` only. */
  readonly processor?: string;
  /** What `compile` takes. */
  readonly precisions: readonly Precision[];
}

let started: Promise<EngineInfo> | undefined;

/**
 * Start the tensor engine that set-up chose; later calls return the same one.
 *
 * `TUNING_FORK_ENGINE=cpu|cuda|wasm` overrides the choice. There is no silent fall-back: an engine
 * that was chosen and cannot start is an error. A page in a browser chooses tfjs's backend itself.
 *
 * @throws UserError when nothing was set up, or the chosen engine does not load.
 */
export function startEngine(): Promise<EngineInfo> {
  started ??= import("./tensorflow/start-engine.js")
    .then(({ startChosenEngine }) => startChosenEngine())
    .catch((error: unknown) => {
      started = undefined;
      throw error;
    });
  return started;
}
