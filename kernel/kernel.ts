import { type Cell, currentCell, holdingCells, inCell, offer } from "./cell";
import { CellOutputs, OUTPUTS_TARGET } from "./cell-outputs";
import { changedPackages } from "./changed-packages";
import type { Channel, Connection } from "./connection";
import { CellExecutor } from "./executor";
import { wasBroken } from "./guard-shared";
import { Language } from "./language";
import type { Content, Message } from "./message";
import { richValue } from "./rich-value";
import { errorContent } from "./traceback";
import { tslab } from "./tslab";

/** How long work may take to save what it has, when the kernel is to end. */
const SAVING_MS = 30_000;

/** Answers Jupyter's requests: cells one after another, everything else at once. */
export class Kernel {
  readonly #executor = new CellExecutor();
  readonly #language = new Language(this.#executor.tslab);
  readonly #host = offer(() => this.#executor.tslab.locals);
  readonly #inputs: string[] = [];
  readonly #outputs = new CellOutputs((comm, data) =>
    this.connection.publish("comm_msg", { comm_id: comm, data }),
  );
  /** What is done with the answer to a question of a cell, by the question's id. */
  readonly #questions = new Map<string, (answer: string) => void>();
  /** Cells that wait, the running one not among them. */
  #queue: Message[] = [];
  #busy = false;
  #ends = false;
  #count = 0;

  constructor(private readonly connection: Connection) {
    this.#routeOutput();
  }

  /** What to do with a request. */
  receive(channel: Channel, request: Message): void {
    if (channel === "stdin") {
      // Not every client says which question it answers: then it is the latest.
      const id = request.parent.msg_id ?? [...this.#questions.keys()].at(-1) ?? "";
      this.#questions.get(id)?.(String(request.content.value));
      return;
    }
    if (request.header.msg_type === "execute_request") {
      this.#queue.push(request);
      void this.#runQueue();
      return;
    }
    this.#status("busy", request);
    const type = request.header.msg_type.replace(/_request$/, "_reply");
    try {
      const content = this.#answer(request);
      if (content) this.connection.reply(channel, type, content, request);
    } catch (error) {
      this.connection.reply(channel, type, { status: "error", ...errorContent(error) }, request);
    }
    this.#status("idle", request);
    if (request.header.msg_type === "shutdown_request") void this.end();
  }

  /** End the running cell, giving it time to save what it has. */
  interrupt(): void {
    this.#executor.interrupt();
  }

  /** End the running cell at once: what it did is broken off already. */
  stop(): void {
    this.#executor.stop();
  }

  /** Interrupt the running cell, wait until it has saved what it has, and leave. */
  async end(): Promise<void> {
    if (this.#ends) return;
    this.#ends = true;
    this.#queue = [];
    this.interrupt();
    const latest = performance.now() + SAVING_MS;
    while ((this.#busy || holdingCells().length > 0) && performance.now() < latest)
      await new Promise((resolve) => setTimeout(resolve, 20));
    this.#executor.tslab.close();
    await this.connection.close();
    process.exit(0);
  }

  /** Say something on standard error of the cell it belongs to. */
  report(error: unknown): void {
    process.stderr.write(`${errorContent(error).traceback.join("\n")}\n`);
  }

  /** @returns the reply's content; nothing for a request that gets none. */
  #answer({ header, content }: Message): Content | undefined {
    const code = String(content.code ?? "");
    switch (header.msg_type) {
      case "kernel_info_request":
        return this.#language.kernelInfo();
      case "is_complete_request":
        return this.#language.isComplete(code);
      case "inspect_request":
        return this.#language.inspect(code, Number(content.cursor_pos), this.#host);
      case "complete_request":
        return this.#language.complete(code, Number(content.cursor_pos));
      case "history_request": {
        const from = Math.max(0, this.#inputs.length - Number(content.n ?? this.#inputs.length));
        const history = this.#inputs
          .slice(from)
          .map((input, i) => [0, from + i + 1, content.output === true ? [input, null] : input]);
        return { status: "ok", history };
      }
      case "comm_open":
        if (content.target_name === OUTPUTS_TARGET)
          this.#outputs.open(String(content.comm_id), header.session);
        // Nobody here has anything to say through another; the protocol wants it closed then.
        else this.connection.publish("comm_close", { comm_id: content.comm_id, data: {} });
        return undefined;
      case "comm_msg":
        this.#outputs.hear(content.data);
        return undefined;
      case "comm_close":
        this.#outputs.close(String(content.comm_id));
        return undefined;
      case "comm_info_request":
        return { status: "ok", comms: this.#outputs.comms };
      case "interrupt_request":
        if (!wasBroken()) this.interrupt();
        return { status: "ok" };
      case "shutdown_request":
        return { status: "ok", restart: content.restart === true };
      default:
        return undefined;
    }
  }

  async #runQueue(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      this.#status("busy", next);
      const answer = await this.#execute(next);
      const stops = answer.status === "error" && next.content.stop_on_error !== false;
      // What arrived at the socket before anybody could know of the error is read first.
      for (let turn = 0; stops && turn < 5; turn++) await new Promise(setImmediate);
      const aborted = stops ? this.#queue.splice(0) : [];
      this.connection.reply("shell", "execute_reply", answer, next);
      this.#status("idle", next);
      this.#abort(aborted);
    }
    this.#busy = false;
  }

  #abort(requests: readonly Message[]): void {
    for (const request of requests) {
      this.#status("busy", request);
      const content = { status: "aborted", execution_count: this.#count };
      this.connection.reply("shell", "execute_reply", content, request);
      this.#status("idle", request);
    }
  }

  /** @returns the reply's content. */
  async #execute(request: Message): Promise<Content> {
    const code = String(request.content.code ?? "");
    const silent = request.content.silent === true;
    if (!silent && request.content.store_history !== false) {
      this.#count++;
      this.#inputs.push(code);
    }
    const number = this.#count;
    const cell: Cell = {
      number,
      request,
      silent,
      interruption: new AbortController(),
      end: new AbortController(),
      ask:
        request.content.allow_stdin === true
          ? (question, signal) => this.#ask(question, signal, request)
          : undefined,
      display: (content, update) => {
        const type = update ? "update_display_data" : "display_data";
        this.#show(type, content, request);
      },
    };
    this.#outputs.begin(request, number);
    if (!silent)
      this.connection.publish("execute_input", { code, execution_count: number }, request);
    const outcome = await inCell(cell, async () => {
      this.#tellOfChanges();
      const ended = await this.#executor.run(cell, code);
      this.#tellOfChanges();
      if (ended.status === "ok" && ended.value !== undefined && !silent)
        try {
          const data = await richValue(ended.value, this.#host.view);
          const result = { execution_count: number, data, metadata: {} };
          this.#show("execute_result", result, request);
        } catch (error) {
          return { status: "error", error: errorContent(error) } as const;
        }
      return ended;
    });
    if (outcome.status === "error") this.#show("error", outcome.error, request);
    this.#outputs.end(request);
    if (outcome.status === "ok")
      return { status: "ok", execution_count: number, user_expressions: {}, payload: [] };
    return { status: "error", execution_count: number, ...outcome.error };
  }

  /** Ask the person in front of the page that runs a cell; they may never answer. */
  async #ask(prompt: string, signal: AbortSignal, request: Message): Promise<string> {
    signal.throwIfAborted();
    const content = { prompt, password: false };
    const id = this.connection.reply("stdin", "input_request", content, request);
    try {
      return await new Promise((answer, reject) => {
        this.#questions.set(id, answer);
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    } finally {
      this.#questions.delete(id);
    }
  }

  #tellOfChanges(): void {
    for (const name of changedPackages())
      process.stderr.write(`${name} has changed: restart the kernel to use it\n`);
  }

  /** What is written or displayed goes to the cell that started the work, also after its end. */
  #routeOutput(): void {
    for (const name of ["stdout", "stderr"] as const) {
      const decoder = new TextDecoder();
      process[name].write = (chunk: Uint8Array | string, ...rest: readonly unknown[]) => {
        const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
        if (text !== "") this.#show("stream", { name, text }, currentCell()?.request);
        const done = rest.at(-1);
        if (typeof done === "function") queueMicrotask(() => done());
        return true;
      };
    }
    Object.defineProperty(tslab.jupyter, "lastWriteDisplayData", {
      get: () => currentCell()?.display ?? null,
    });
  }

  #show(type: string, content: Content, request: Message | undefined): void {
    this.connection.publish(type, content, request);
    this.#outputs.keep(type, content, request);
  }

  #status(state: "busy" | "idle", request: Message): void {
    this.connection.publish("status", { execution_state: state }, request);
  }
}
