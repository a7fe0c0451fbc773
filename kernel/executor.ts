import { type Cell, holdingCells, KernelInterrupt } from "./cell";
import { createCellConverter } from "./convert-cell";
import { isBreak } from "./guard";
import { diagnosticsContent, type ErrorContent, errorContent } from "./traceback";
import { type Executor, tslab } from "./tslab";

/** How a cell ended. */
export type Outcome =
  | { readonly status: "ok"; readonly value?: unknown }
  | { readonly status: "error"; readonly error: ErrorContent };

const INTERRUPTED: ErrorContent = {
  ename: "KernelInterrupt",
  evalue: "interrupted",
  traceback: ["KernelInterrupt: interrupted"],
};

/** How long an interrupted cell may take to end by itself, saving what it has, say. */
const GRACE_MS = 1500;

/** Runs cells, one at a time. */
export class CellExecutor {
  readonly tslab: Executor;
  #running: Cell | undefined;
  #interrupted: Cell | undefined;
  #finish: ((good: boolean) => void) | undefined;
  #thrown: { readonly error: unknown } | undefined;
  #diagnostics: string[] = [];
  #value: { readonly value: unknown } | undefined;

  constructor() {
    const converter = createCellConverter(() => `cell-${this.#running?.number ?? 0}`);
    const convs = { node: converter, browser: converter, close: () => converter.close() };
    // What tslab prints of a cell, its value and its error, it prints here.
    this.tslab = tslab.executor.createExecutor(process.cwd(), convs, {
      log: (value: unknown) => {
        this.#value = { value };
      },
      error: (first: unknown, ...rest: readonly unknown[]) => {
        if (first === "%s%d:%d - %s")
          this.#diagnostics.push(`${rest[0]}${rest[1]}:${rest[2]} - ${rest[3]}`);
        else this.#thrown = { error: first };
      },
    });
  }

  /** Run a cell's code; call it in the cell's context. */
  async run(cell: Cell, code: string): Promise<Outcome> {
    this.#running = cell;
    this.#thrown = undefined;
    this.#value = undefined;
    this.#diagnostics = [];
    const good = await new Promise<boolean>((resolve) => {
      // An interrupt may break off whatever waits on promises, so the end comes in a turn of its own.
      this.#finish = (good) => setImmediate(resolve, good);
      this.tslab.execute(code).then(this.#finish, (error) => {
        this.#thrown = { error };
        this.#finish?.(false);
      });
    });
    this.#running = undefined;
    if (good && this.#thrown === undefined && this.#diagnostics.length === 0)
      return { status: "ok", ...this.#takeValue() };
    return { status: "error", error: this.#error() };
  }

  #takeValue() {
    const value = this.#value;
    this.#value = undefined;
    return value;
  }

  #error(): ErrorContent {
    if (this.#thrown === undefined) return diagnosticsContent(this.#diagnostics);
    const { error } = this.#thrown;
    const stopped =
      isBreak(error) || (error instanceof Error && error.message === "Interrupted asynchronously");
    if (stopped || error instanceof KernelInterrupt) return INTERRUPTED;
    return errorContent(error);
  }

  /**
   * End the running cell, and work of earlier ones that is waited for: it ends itself, or a time of
   * grace ends the cell, unless work of it says that it ends by itself, or a second call does.
   */
  interrupt(): void {
    for (const cell of holdingCells()) cell.interruption.abort(new KernelInterrupt());
    const cell = this.#running;
    if (!cell) return;
    if (cell.interruption.signal.aborted && this.#interrupted === cell) {
      this.stop();
      return;
    }
    this.#interrupted = cell;
    cell.interruption.abort(new KernelInterrupt());
    setTimeout(() => {
      if (this.#running === cell && !holdingCells().includes(cell)) this.stop();
    }, GRACE_MS).unref();
  }

  /** End the running cell whatever it does. */
  stop(): void {
    const reason = new KernelInterrupt();
    for (const cell of [...holdingCells(), ...(this.#running ? [this.#running] : [])]) {
      cell.interruption.abort(reason);
      cell.end.abort(reason);
    }
    this.tslab.interrupt();
    if (!this.#running) return;
    this.#thrown ??= { error: reason };
    this.#finish?.(false);
  }
}
