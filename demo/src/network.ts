import { UserError } from "#lib/core/errors";
import type { NetworkApi } from "./network-worker";
import { type Remote, remote } from "./remote";

/** Told how far a download is; the page sets it. */
export const progress = { show: (_done: number, _total: number): void => {} };

/** A network in a worker of its own. */
export type Network = Remote<NetworkApi>;

export function openNetwork(): Network {
  return remote<NetworkApi>(
    new Worker(new URL("./network-worker.ts", import.meta.url), { type: "module" }),
    (done, total) => progress.show(done, total),
  );
}

/** The page's first network. */
export const network = openNetwork();

/** An error as a sentence for people. */
export function sentence(error: unknown): string {
  if (error instanceof UserError) return `${error.problem}: ${error.remedy}.`;
  console.error(error);
  return `Something went wrong (${error}).`;
}
