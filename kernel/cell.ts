import { AsyncLocalStorage } from "node:async_hooks";
import type { Message } from "./message";

/** A cell that was started: whatever it does, also after its end, is done in its context. */
export interface Cell {
  /** As in `[3]` beside the cell. */
  readonly number: number;
  readonly request: Message;
  /** Nothing of it is shown as a value or counted. */
  readonly silent: boolean;
  readonly interruption: AbortController;
}

const storage = new AsyncLocalStorage<Cell>();
let latest: Cell | undefined;

/** The cell that the code running now belongs to; the latest one, where that cannot be known. */
export function currentCell(): Cell | undefined {
  return storage.getStore() ?? latest;
}

/** Do a cell's work in its context. */
export function inCell<T>(cell: Cell, work: () => T): T {
  latest = cell;
  return storage.run(cell, work);
}

/** What an interrupted cell ends with. */
export class KernelInterrupt extends Error {
  override readonly name = "KernelInterrupt";
  constructor() {
    super("interrupted");
  }
}

/**
 * What stands around every `await` of a cell: an interrupted cell goes no further, in whatever loop
 * it is, and a loop of awaits that are all settled lets an interrupt arrive.
 */
export async function awaitInCell<T>(awaited: T): Promise<Awaited<T>> {
  const signal = storage.getStore()?.interruption.signal;
  signal?.throwIfAborted();
  const value = await awaited;
  if (performance.now() - lastTurn > 50) {
    await new Promise(setImmediate);
    lastTurn = performance.now();
  }
  signal?.throwIfAborted();
  return value;
}
let lastTurn = 0;

declare global {
  var __cell__: { await: typeof awaitInCell; signal: () => AbortSignal | undefined };
}
globalThis.__cell__ = {
  await: awaitInCell,
  signal: () => storage.getStore()?.interruption.signal,
};
