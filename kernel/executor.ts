import { type Cell, KernelInterrupt } from "./cell";
import { createCellConverter } from "./convert-cell";
import { diagnosticsContent, type ErrorContent, errorContent } from "./traceback";
import { type Executor, tslab } from "./tslab";

/** How a cell ended. */
export type Outcome =
  | { readonly status: "ok"; readonly value?: unknown }
  | { readonly status: "error"; readonly error: ErrorContent };

/** How long an interrupted cell may take to end by itself, saving what it has, say. */
const GRACE_MS = 1500;

/** Runs cells, one at a time. */
export class CellExecutor {
  readonly tslab: Executor;
  #running: Cell | undefined;
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
    try {
      const good = await this.tslab.execute(code);
      if (good && this.#diagnostics.length === 0) return { status: "ok", ...this.#takeValue() };
    } catch (error) {
      this.#thrown = { error };
    } finally {
      this.#running = undefined;
    }
    return { status: "error", error: this.#error(cell) };
  }

  #takeValue() {
    const value = this.#value;
    this.#value = undefined;
    return value;
  }

  #error(cell: Cell): ErrorContent {
    if (this.#thrown === undefined) return diagnosticsContent(this.#diagnostics);
    const { error } = this.#thrown;
    const stopped =
      error instanceof Error &&
      (error.message === "Interrupted asynchronously" ||
        Reflect.get(error, "code") === "ERR_SCRIPT_EXECUTION_INTERRUPTED");
    return errorContent(
      stopped || error === cell.interruption.signal.reason ? new KernelInterrupt() : error,
    );
  }

  /** End the running cell: what it awaits ends it, or the time of grace does, or a second call. */
  interrupt(): void {
    const cell = this.#running;
    if (!cell) return;
    if (cell.interruption.signal.aborted) {
      this.tslab.interrupt();
      return;
    }
    cell.interruption.abort(new KernelInterrupt());
    setTimeout(() => {
      if (this.#running === cell) this.tslab.interrupt();
    }, GRACE_MS).unref();
  }
}
