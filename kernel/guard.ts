/**
 * What stands around every `await` and `for await` of a cell, so that an interrupt ends the cell in
 * whatever it does then.
 */
import vm from "node:vm";
import { currentSignal } from "./cell";
import { Place, shared } from "./guard-shared";

/** How long a cell may run on awaits that are all settled before the event loop has its turn. */
const TURN_MS = 50;

let work: (() => unknown) | undefined;
let enteredAt = Number.NEGATIVE_INFINITY;

function run(): unknown {
  enteredAt = performance.now();
  Atomics.store(shared, 0, Place.inside);
  try {
    return work?.();
  } finally {
    // A signal that is on its way is waited for.
    while (Atomics.compareExchange(shared, 0, Place.inside, Place.outside) === Place.broken);
  }
}

const original = vm.runInThisContext;
const script = new vm.Script("__cell__.run()", { filename: "run-cell" });

/**
 * Node hears an interrupt only between turns of its event loop, or while a script runs that was
 * started with `breakOnSigint`: so whatever a cell does is run inside of one.
 *
 * @throws an error that {@link isBreak} knows, when it was broken off
 */
function breakable<T>(some: () => T): T {
  work = some;
  try {
    return script.runInThisContext({ breakOnSigint: true });
  } finally {
    Atomics.store(shared, 0, Place.outside);
  }
}

// tslab starts the first part of a cell like this.
vm.runInThisContext = (code, options) => {
  const asked = typeof options === "object" && options.breakOnSigint;
  if (!asked) return original(code, options);
  return breakable(() => original(code, { ...options, breakOnSigint: false }));
};

/** `_tickCallback` runs what waits on promises: the cell after its `await`. */
const { _tickCallback: runPending } = process as unknown as { _tickCallback: () => void };

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() =>
      breakable(() => {
        resolve();
        runPending();
      }),
    );
  });
}

async function awaitInCell<T>(awaited: T): Promise<Awaited<T>> {
  const signal = currentSignal();
  signal?.throwIfAborted();
  let value: Awaited<T>;
  try {
    value = await awaited;
  } finally {
    const isInside = Atomics.load(shared, 0) !== Place.outside;
    if (!isInside || performance.now() - enteredAt > TURN_MS) await nextTurn();
  }
  signal?.throwIfAborted();
  return value;
}

async function* eachInCell<T>(items: AsyncIterable<T> | Iterable<T | PromiseLike<T>>) {
  for await (const item of items) yield await awaitInCell(item);
}

/** Whether an error says that something was broken off. */
export function isBreak(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED"
  );
}

declare global {
  /** What the code of cells is written to call. */
  var __cell__: {
    readonly await: typeof awaitInCell;
    readonly each: typeof eachInCell;
    readonly run: typeof run;
  };
}
globalThis.__cell__ = { await: awaitInCell, each: eachInCell, run };
