import type { Random } from "../core/random";
import { asNumbers, type Column } from "../core/table";
import { rowsByClass } from "../data/balance";
import type { TrainConfig } from "./config";

/**
 * The order in which an epoch goes through the training rows.
 *
 * `natural` is a permutation. `balanced` draws as many rows, each class equally often: whole
 * passes over a class in random order, one after another, so that no galaxy is drawn twice before
 * every other of its class was drawn once more.
 */
export function sampleRows(
  rows: ArrayLike<number>,
  labels: Column,
  sampling: TrainConfig["sampling"],
  { random }: { random: Random },
): Uint32Array {
  if (sampling === "natural") return random.permutation(rows.length).map((i) => rows[i]);
  const byClass = rowsByClass(asNumbers(labels), rows);
  const perClass = Math.ceil(rows.length / byClass.size);
  const drawn: number[] = [];
  for (const list of byClass.values()) {
    const own: number[] = [];
    while (own.length < perClass) own.push(...random.permutation(list.length));
    for (const i of own.slice(0, perClass)) drawn.push(list[i]);
  }
  return random
    .permutation(drawn.length)
    .subarray(0, rows.length)
    .map((i) => drawn[i]);
}
