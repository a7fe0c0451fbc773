/** When how much was done: enough of the recent past to tell the speed. */
export interface Pace {
  readonly started: number;
  readonly marks: { time: number; done: number }[];
}

/**
 * Note how much is done now, and tell the present speed.
 *
 * @param windowSeconds Speed is measured over the last seconds: a first step that compiles must not spoil it.
 * @returns `elapsed` seconds since the start; `rate` per second, over the last seconds while the
 *   work runs, 0 while it is unknown.
 */
export function paceOf(
  pace: Pace,
  done: number,
  now: number,
  windowSeconds = 15,
): { elapsed: number; rate: number } {
  const { marks, started } = pace;
  const previous = marks[marks.length - 1];
  if (done > previous.done) marks.push({ time: now, done });
  while (marks.length > 2 && now - marks[1].time > 1000 * windowSeconds) marks.shift();
  // The first mark stands for the start-up; leave it out once there are others to measure between.
  const from = marks.length > 3 && marks[0].done === 0 ? marks[1] : marks[0];
  const seconds = (now - from.time) / 1000;
  const rate = seconds > 0 ? Math.max(0, done - from.done) / seconds : 0;
  return { elapsed: (now - started) / 1000, rate };
}

/** What a line of progress says. */
export interface ProgressState {
  readonly label: string;
  readonly unit: string;
  readonly done: number;
  readonly total: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Seconds since the start. */
  readonly elapsed: number;
  /** Units a second. */
  readonly rate: number;
  readonly remark?: string;
  readonly last: boolean;
}

/** @returns one line: label, share, speed, time left (or taken), metrics, remark. */
export function progressLine(state: ProgressState): string {
  const { label, unit, done, total, metrics, elapsed, last } = state;
  const rate = last && elapsed > 0 ? done / elapsed : state.rate;
  const parts = [
    `${label} ${total > 0 ? Math.floor((100 * Math.min(done, total)) / total) : 100} %`,
  ];
  if (rate >= 0.05) parts.push(`${rate.toFixed(rate < 10 ? 1 : 0)} ${unit}/s`);
  if (last) parts.push(`${duration(elapsed)}`);
  else if (rate > 0 && total > done) parts.push(`${duration((total - done) / rate)} left`);
  for (const [name, value] of Object.entries(metrics)) parts.push(`${name} ${short(value)}`);
  if (state.remark) parts.push(state.remark);
  return parts.join(" · ");
}

/** @returns `fraction` of `width` characters filled. */
export function progressBar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return "█".repeat(filled) + "░".repeat(width - filled);
}

/** @returns seconds as a person says them: `42 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function short(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return value.toFixed(0);
  return value.toPrecision(3);
}
