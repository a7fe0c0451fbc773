import { UserError } from "../core/errors";

/**
 * Do work that the person may interrupt: the notebook's stop button, or Ctrl-C in a terminal.
 *
 * The first interrupt only raises the signal: the work stops where it looks at it (after a training
 * step, say, by `signal.throwIfAborted()`), and the cell ends when the work has really ended. tslab
 * by itself releases the cell at once and lets the work go on behind it. A second interrupt does
 * what it did before this call.
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
  // While a cell's first, synchronous part runs, Node keeps the process's listeners apart and puts
  // them back afterwards. Only then can they be set aside here.
  await Promise.resolve();

  const controller = new AbortController();
  const others = process.rawListeners("SIGINT") as NodeJS.SignalsListener[];
  const restore = () => {
    process.removeListener("SIGINT", onInterrupt);
    for (const listener of others.splice(0)) process.on("SIGINT", listener);
  };
  const onInterrupt = () => {
    restore();
    controller.abort(
      new UserError("interrupted", "run it again: work that keeps checkpoints goes on from there"),
    );
  };
  const onOuter = () => controller.abort(outer?.reason);

  for (const listener of others) process.removeListener("SIGINT", listener);
  process.on("SIGINT", onInterrupt);
  if (outer?.aborted) onOuter();
  outer?.addEventListener("abort", onOuter, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    restore();
    outer?.removeEventListener("abort", onOuter);
  }
}
