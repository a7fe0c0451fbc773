/** What a bundle of media types, and where it goes, are to a notebook's kernel. */
interface DisplayContent {
  readonly data: object;
  readonly metadata: object;
  readonly transient: { readonly display_id?: string };
}

/** What the project's kernel offers the code that a cell runs. */
export interface KernelHost {
  /** Shows something below the cell; undefined where no cell was run yet. */
  readonly display?: (content: DisplayContent, update?: boolean) => void;
  /** Asks the person at the notebook, until the signal is aborted; undefined where nobody would answer. */
  readonly ask?: (question: string, signal: AbortSignal) => Promise<string>;
  /** Aborted when the person interrupts the cell that the running code belongs to. */
  readonly signal?: AbortSignal;
  /** Do work that ends by itself, with what it has saved, when its signal is aborted. */
  hold<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** What the notebook's cells have declared. */
  variables(): Readonly<Record<string, unknown>>;
  /** Set by the library: how a cell's last expression is shown, by media type, where it knows. */
  view?: (value: object) => object | undefined;
  /** Set by the library: what kind a variable's value is, its shape, and bytes, where these are known. */
  describe?: (value: unknown) => { readonly shape: string; readonly bytes: number | null };
}

/** @returns the kernel, if this process is the one of a notebook. */
export function kernelHost(): KernelHost | undefined {
  return Reflect.get(globalThis, Symbol.for("tuning-fork.kernel"));
}

/**
 * End work in a notebook when the person interrupts its cell: called between its steps, by whatever
 * takes long. Elsewhere it does nothing.
 *
 * @param signal What ends the work. Default: the running cell's interrupt.
 * @throws whatever the signal was aborted with
 */
export function throwIfInterrupted(signal = kernelHost()?.signal): void {
  signal?.throwIfAborted();
}
