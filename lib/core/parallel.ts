import { throwIfInterrupted } from "./kernel-host";

/**
 * Apply `work` to every item, at most `limit` at a time, and give the results in order. The first
 * failure ends it, or an interrupt of a notebook's cell, when the work under way has ended too: nothing
 * goes on behind it.
 */
export async function mapParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
  onProgress?: (done: number, total: number) => void,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      try {
        throwIfInterrupted();
        results[index] = await work(items[index], index);
      } catch (error) {
        next = items.length;
        throw error;
      }
      onProgress?.(++done, items.length);
    }
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, worker);
  const failed = (await Promise.allSettled(workers)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  return results;
}
