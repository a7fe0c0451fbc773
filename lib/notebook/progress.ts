import { escapeHtml, inNotebook, newSlot } from "./display";
import { type Pace, paceOf, progressBar, progressLine } from "./progress-text";

/** Numbers shown beside a progress bar, such as the loss. */
export type ShownMetrics = Readonly<Record<string, number>>;

/** A progress bar under way. */
export interface Progress {
  /**
   * Say how far the work is. Cheap: call it every step.
   *
   * @param done How many are done so far.
   * @param metrics Default: those of the last update.
   * @param total How many there are, where that is another number by now.
   */
  update(done: number, metrics?: ShownMetrics, total?: number): void;
  /** Show the last state, for good; a remark may say how it ended. */
  finish(remark?: string): void;
}

/** How progress is shown. */
export interface ProgressOptions {
  /** What is counted, in the plural. Default `images`. */
  readonly unit?: string;
  /**
   * Over how many of the last seconds the speed is measured; `Infinity` where the parts of the work differ in
   * length. Default: 15.
   */
  readonly windowSeconds?: number;
}

/** Where progress appears, and how often it may. */
interface Surface {
  readonly intervalMs: number;
  draw(text: string, fraction: number, last: boolean): void;
}

/**
 * Show how far long work is, with its speed, the time left and a few metrics.
 *
 * In a notebook: a bar below the cell, at most five updates a second. In a terminal: one line that
 * is rewritten. Anywhere else, a log file say: a line every ten seconds.
 */
export function progress(all: number, label: string, options: ProgressOptions = {}): Progress {
  const { unit = "images", windowSeconds } = options;
  const surface = chooseSurface();
  const started = performance.now();
  const pace: Pace = { started, marks: [{ time: started, done: 0 }] };
  let drawnAt = Number.NEGATIVE_INFINITY;
  let total = all;
  let done = 0;
  let metrics: ShownMetrics = {};

  const draw = (now: number, last: boolean, remark?: string) => {
    drawnAt = now;
    const state = {
      label,
      unit,
      done,
      total,
      metrics,
      remark,
      last,
      ...paceOf(pace, done, now, windowSeconds),
    };
    surface.draw(progressLine(state), total > 0 ? Math.min(1, done / total) : 1, last);
  };
  draw(started, false);
  return {
    update(nowDone, nowMetrics, nowTotal = total) {
      // The next file, say: its speed is its own.
      if (nowDone < done)
        pace.marks.splice(0, Infinity, { time: performance.now(), done: nowDone });
      [done, total] = [nowDone, nowTotal];
      if (nowMetrics) metrics = nowMetrics;
      const now = performance.now();
      if (now - drawnAt >= surface.intervalMs) draw(now, false);
    },
    finish(remark) {
      draw(performance.now(), true, remark);
    },
  };
}

/**
 * Do work that says how far it is, under a progress bar that appears with its first word and ends as the work
 * does, well or not.
 *
 * @param work Given what takes its words: how many are done, and of how many.
 * @returns what `work` returns
 */
export async function withProgress<T>(
  label: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
  options: ProgressOptions = {},
): Promise<T> {
  let bar: Progress | undefined;
  let remark: string | undefined = "stopped";
  try {
    const result = await work((done, total) => {
      bar ??= progress(total, label, options);
      bar.update(done, undefined, total);
    });
    remark = undefined;
    return result;
  } finally {
    bar?.finish(remark);
  }
}

function chooseSurface(): Surface {
  if (inNotebook()) return cellSurface();
  if (process.stderr.isTTY) return terminalSurface();
  return {
    intervalMs: 10_000,
    draw: (text) => void process.stderr.write(`${text}\n`),
  };
}

function cellSurface(): Surface {
  const slot = newSlot();
  return {
    intervalMs: 200,
    draw(text, fraction, last) {
      const color =
        last && fraction < 1 ? "--jp-warn-color1, #c77700" : "--jp-brand-color1, #1976d2";
      slot.show({
        "text/plain": text,
        "text/html":
          '<div style="display:flex;align-items:center;gap:10px;font-variant-numeric:tabular-nums">' +
          '<div style="flex:none;width:160px;height:8px;border-radius:4px;overflow:hidden;' +
          'background:var(--jp-layout-color3, #ddd)">' +
          `<div style="width:${(100 * fraction).toFixed(1)}%;height:100%;background:var(${color})"></div>` +
          `</div><span>${escapeHtml(text)}</span></div>`,
      });
    },
  };
}

function terminalSurface(): Surface {
  return {
    intervalMs: 200,
    draw(text, fraction, last) {
      const line = `${progressBar(fraction, 20)} ${text}`.slice(
        0,
        (process.stderr.columns ?? 80) - 1,
      );
      process.stderr.write(`\r${line}\u001b[K${last ? "\n" : ""}`);
    },
  };
}
