/**
 * Where the main thread is: the thread of the control channel breaks off what stands between `enter`
 * and `leave`, and nothing else: at any other moment Node ends at a SIGINT, or nobody hears it.
 */
export const Place = { outside: 0, inside: 1, broken: 2 } as const;

/** Shared with the control thread: the place, and whether it broke something off. */
export const shared = new Int32Array(new SharedArrayBuffer(8));

/** Break off what the main thread does, where that can be done: called in the control thread. */
export function breakOff(at: Int32Array): void {
  const before = Atomics.compareExchange(at, 0, Place.inside, Place.broken);
  if (before !== Place.inside) return;
  Atomics.store(at, 1, 1);
  process.kill(process.pid, "SIGINT");
}

/** @returns whether something was broken off since the last call */
export function wasBroken(): boolean {
  return Atomics.exchange(shared, 1, 0) === 1;
}
