import { AsyncLocalStorage } from "node:async_hooks";
import type { Content, Message } from "./message";

/** A cell that was started: whatever it does, also after its end, is done in its context. */
export interface Cell {
  /** As in `[3]` beside the cell. */
  readonly number: number;
  readonly request: Message;
  /** Nothing of it is shown as a value or counted. */
  readonly silent: boolean;
  /** Aborted by an interrupt. */
  readonly interruption: AbortController;
  /** Aborted when the cell is ended whether or not its work has ended. */
  readonly end: AbortController;
  /** Ask the person, and wait for the answer or the signal; undefined where nobody would answer. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
  /** Show something below the cell, or again in a place of it. */
  readonly display: (content: Content, update?: boolean) => void;
}

interface Context {
  readonly cell: Cell;
  /** Ends what looks at it. */
  readonly signal: AbortSignal;
}

const storage = new AsyncLocalStorage<Context>();
let latest: Cell | undefined;
/** Cells with work that ends by itself when they are interrupted, and how much of it. */
const holding = new Map<Cell, number>();

/** The cell that the code running now belongs to; the latest one, where that cannot be known. */
export function currentCell(): Cell | undefined {
  return storage.getStore()?.cell ?? latest;
}

/** What ends the code running now, when its cell is interrupted. */
export function currentSignal(): AbortSignal | undefined {
  return storage.getStore()?.signal;
}

/** Do a cell's work in its context. */
export function inCell<T>(cell: Cell, work: () => T): T {
  latest = cell;
  return storage.run({ cell, signal: cell.interruption.signal }, work);
}

/** Cells with work that ends by itself. */
export function holdingCells(): Cell[] {
  return [...holding.keys()];
}

/**
 * Do work that ends by itself when its cell is interrupted, saving what it has: the cell waits for it.
 * What it calls looks at the signal it is given, and at no other.
 */
async function hold<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const cell = currentCell();
  if (!cell) return work(new AbortController().signal);
  holding.set(cell, (holding.get(cell) ?? 0) + 1);
  try {
    return await storage.run({ cell, signal: cell.end.signal }, () =>
      work(cell.interruption.signal),
    );
  } finally {
    const left = (holding.get(cell) ?? 1) - 1;
    if (left > 0) holding.set(cell, left);
    else holding.delete(cell);
  }
}

export interface Host {
  readonly display: Cell["display"] | undefined;
  readonly ask: Cell["ask"];
  readonly signal: AbortSignal | undefined;
  readonly hold: typeof hold;
  readonly variables: () => Readonly<Record<string, unknown>>;
  /** Set by the library: how it shows a value, where it knows the kind. */
  view?: (value: object) => Content | undefined;
  /** Set by the library: a value's shape and bytes, where these are known. */
  describe?: (value: unknown) => { readonly shape: string; readonly bytes: number | null };
}

/**
 * What a cell's code may ask of the kernel: `lib/core/kernel-host.ts` looks for it under this name.
 *
 * @returns it
 */
export function offer(variables: () => Readonly<Record<string, unknown>>): Host {
  const host: Host = {
    get display() {
      return currentCell()?.display;
    },
    get ask() {
      return currentCell()?.ask;
    },
    get signal() {
      return currentSignal();
    },
    hold,
    variables,
  };
  Reflect.set(globalThis, Symbol.for("tuning-fork.kernel"), host);
  return host;
}

/** What an interrupted cell ends with. */
export class KernelInterrupt extends Error {
  override readonly name = "KernelInterrupt";
  constructor() {
    super("interrupted");
  }
}
