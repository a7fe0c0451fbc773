import { UserError } from "../core/errors";
import { kernelHost } from "../core/kernel-host";

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
 * step, say, by `signal.throwIfAborted()`), and the cell ends when the work has really ended. A second
 * interrupt ends the cell, or the process, whatever the work does.
 *
 * The work must let the event loop turn now and then (`await` of a timer, a file, or the like),
 * since Node delivers an interrupt only there.
 *
 * @param work What to do. Its result, or its error, is this function's.
 * @param outer A signal that stops the work as well.
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const kernel = kernelHost();
  if (kernel) return kernel.hold((signal) => stoppable(work, signal, outer));
  const ended = new AbortController();
  const listeners = SIGNALS.map((signal) => ({
    signal,
    others: process.rawListeners(signal) as NodeJS.SignalsListener[],
  }));
  const restore = () => {
    for (const { signal, others } of listeners) {
      process.removeListener(signal, onInterrupt);
      for (const listener of others.splice(0)) process.on(signal, listener);
    }
  };
  const onInterrupt = (signal: NodeJS.Signals) => {
    restore();
    ended.abort(new Interruption(signal === "SIGTERM" ? signal : "SIGINT"));
  };
  for (const { signal, others } of listeners) {
    for (const listener of others) process.removeListener(signal, listener);
    process.on(signal, onInterrupt);
  }
  try {
    return await stoppable(work, ended.signal, outer);
  } finally {
    restore();
  }
}

/** Give the work one signal for both, with a reason that a person understands. */
function stoppable<T>(
  work: (signal: AbortSignal) => Promise<T>,
  interrupted: AbortSignal,
  outer?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  const stopOn = (signal: AbortSignal, reason: () => unknown) => {
    if (signal.aborted) controller.abort(reason());
    else
      signal.addEventListener("abort", () => controller.abort(reason()), {
        once: true,
        signal: done.signal,
      });
  };
  const done = new AbortController();
  stopOn(interrupted, () =>
    interrupted.reason instanceof Interruption ? interrupted.reason : new Interruption("SIGINT"),
  );
  if (outer) stopOn(outer, () => outer.reason);
  return work(controller.signal).finally(() => done.abort());
}
