import { UserError } from "#lib/core/errors";

/** Functions that run in a worker, as they are called from the page. */
export type Remote<Api> = {
  readonly [K in keyof Api]: Api[K] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly problem: string; readonly remedy: string }
  | { readonly progress: readonly [done: number, total: number] };

/** Call a worker's functions by name; see {@link serve}. */
export function remote<Api>(
  worker: Worker,
  onProgress: (done: number, total: number) => void,
): Remote<Api> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    if ("progress" in data) {
      onProgress(...data.progress);
      return;
    }
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if ("value" in data) call?.resolve(data.value);
    else call?.reject(new UserError(data.problem, data.remedy));
  });
  worker.addEventListener("error", ({ message }) => {
    const error = new UserError(
      `the network's worker stopped (${message || "its script did not load"})`,
      "reload the page",
    );
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  return new Proxy({} as Remote<Api>, {
    get:
      (_, name: string) =>
      (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          const id = ++last;
          waiting.set(id, { resolve, reject });
          worker.postMessage({ id, name, args } satisfies Call);
        }),
  });
}

/** The worker's side: one call after the other, errors as sentences. */
export function serve(api: Readonly<Record<string, (...args: never[]) => unknown>>): void {
  let before: Promise<unknown> = Promise.resolve();
  addEventListener("message", ({ data: { id, name, args } }: MessageEvent<Call>) => {
    before = before.then(async () => {
      try {
        const value = await api[name](...(args as never[]));
        postMessage({ id, value } satisfies Reply);
      } catch (error) {
        const known = error instanceof UserError;
        if (!known) console.error(error);
        const problem = known ? error.problem : `something went wrong (${error})`;
        postMessage({ id, problem, remedy: known ? error.remedy : "try again" } satisfies Reply);
      }
    });
  });
}

/** Tell the page how far a long call is. */
export function report(done: number, total: number): void {
  postMessage({ progress: [done, total] } satisfies Reply);
}
