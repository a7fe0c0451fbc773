/** What a test shows "in a cell": stand where the kernel would be, and keep it. */
export type Bundle = Record<string, unknown>;

const HOST = Symbol.for("tuning-fork.kernel");

/** @returns what is shown from now on, in order. */
export function openCell(variables: Record<string, unknown> = {}): Bundle[] {
  const shown: Bundle[] = [];
  const host = {
    display: ({ data }: { data: Bundle }) => void shown.push(data),
    hold: (work: (signal: AbortSignal) => unknown) => work(new AbortController().signal),
    variables: () => variables,
  };
  Reflect.set(globalThis, HOST, host);
  return shown;
}

export function closeCell(): void {
  Reflect.deleteProperty(globalThis, HOST);
}
