import { UserError } from "../core/errors";
import { inNotebook } from "./display";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Work that was stopped from outside, as it should. */
export class Interruption extends UserError {
  /** @param signal Which signal the process got. */
  constructor(readonly signal: (typeof SIGNALS)[number]) {
    super("interrupted", "run it again: work that keeps checkpoints goes on from there");
  }
}

/**
 * Do work that the person may interrupt: the notebook's stop button, Ctrl-C in a terminal, or SIGTERM, which
 * a shutdown or a cluster sends.
 *
 * The first interrupt only raises the signal: the work stops where it looks at it (after a training
 * step, say, by `signal.throwIfAborted()`), and the cell ends when the work has really ended. tslab
 * by itself releases the cell at once and lets the work go on behind it. A second interrupt does
 * what it did before this call.
 *
 * The work must let the event loop turn now and then (`await` of a timer, a file, or the like),
 * since Node delivers an interrupt only there.
 *
 * SIGTERM asks for the end of the process, not of the work alone: a notebook's kernel ends after it.
 *
 * @param work What to do. Its result, or its error, is this function's.
 * @param outer A signal that stops the work as well.
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  // While a cell's first, synchronous part runs, Node keeps the process's listeners apart and puts
  // them back afterwards. Only then can they be set aside here.
  await Promise.resolve();

  const controller = new AbortController();
  const others = SIGNALS.map((signal) => ({
    signal,
    listeners: process.rawListeners(signal) as NodeJS.SignalsListener[],
  }));
  const restore = () => {
    for (const { signal, listeners } of others) {
      process.removeListener(signal, onInterrupt);
      for (const listener of listeners.splice(0)) process.on(signal, listener);
    }
  };
  let ends = false;
  const onInterrupt = (signal: NodeJS.Signals) => {
    restore();
    ends = signal === "SIGTERM" && inNotebook();
    controller.abort(new Interruption(signal === "SIGTERM" ? signal : "SIGINT"));
  };
  const onOuter = () => controller.abort(outer?.reason);

  for (const { signal, listeners } of others) {
    for (const listener of listeners) process.removeListener(signal, listener);
    process.on(signal, onInterrupt);
  }
  if (outer?.aborted) onOuter();
  outer?.addEventListener("abort", onOuter, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    restore();
    outer?.removeEventListener("abort", onOuter);
    if (ends) process.kill(process.pid, "SIGTERM");
  }
}
