import type { Content, Message } from "./message";

/** By this name a page asks for what cells have shown. */
export const OUTPUTS_TARGET = "tuning-fork.outputs";

/** An output as a notebook's file has it. */
type Output = Record<string, unknown> & { readonly output_type: string };

interface CellRecord {
  readonly id: string;
  /** Of the page that it was run from, which shows its outputs anyway. */
  readonly session: string;
  readonly outputs: Output[];
  /** Where a place that can be shown again is among the outputs. */
  readonly places: Map<string, number>;
  /** As in `[3]` beside the cell. */
  count: number | null;
  running: boolean;
  /** Other pages: comm → outputs that it has not been told of. */
  readonly pages: Map<string, Set<number>>;
}

/**
 * What cells have shown, until a page has it. A page that is closed misses what its cells show; opened again,
 * it asks for that through a comm, and is told whatever else the running ones show.
 */
export class CellOutputs {
  readonly #cells = new Map<string, CellRecord>();
  /** Open comms → the session of their page. */
  readonly #comms = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param send Says something through a comm. */
  constructor(private readonly send: (comm: string, data: Content) => void) {}

  /** The comms that are open, by id. */
  get comms(): Content {
    const ids = [...this.#comms.keys()];
    return Object.fromEntries(ids.map((id) => [id, { target_name: OUTPUTS_TARGET }]));
  }

  /** A cell begins. Clients that do not say which cell of the notebook it is are told nothing. */
  begin(request: Message, count: number): void {
    const id = cellOf(request);
    if (id === undefined) return;
    const { session } = request.header;
    const others = [...this.#comms].filter(([, page]) => page !== session);
    const pages = new Map(others.map(([comm]) => [comm, new Set<number>()]));
    const record = { id, session, count, running: true, outputs: [], places: new Map(), pages };
    this.#cells.set(id, record);
    for (const comm of pages.keys()) this.send(comm, { cells: [state(record, [])] });
  }

  /** Something was published for a cell. */
  keep(type: string, content: Content, request: Message | undefined): void {
    const record = this.#cells.get(cellOf(request) ?? "");
    if (record === undefined) return;
    const changed = put(record, type, content);
    if (changed === undefined) return;
    for (const untold of record.pages.values()) untold.add(changed);
  }

  /** A cell has ended. */
  end(request: Message): void {
    const record = this.#cells.get(cellOf(request) ?? "");
    if (record === undefined) return;
    record.running = false;
    this.#tell(record);
    for (const comm of record.pages.keys()) this.send(comm, { cells: [state(record, [])] });
  }

  /** A page has come: it is told all that nobody is known to have, and what comes. */
  open(comm: string, session: string): void {
    this.#comms.set(comm, session);
    const records = [...this.#cells.values()].filter((record) => record.session !== session);
    const cells = records.map((record) => state(record, [...record.outputs.entries()]));
    if (cells.length > 0) this.send(comm, { cells });
    for (const record of records) if (record.running) record.pages.set(comm, new Set());
    // Begun by no cell, so no interrupt ends it.
    this.#timer ??= setInterval(() => {
      for (const record of this.#cells.values()) this.#tell(record);
    }, 200).unref();
  }

  /** A page says which cell it has to its end: nobody else needs that. Other pages may be gone. */
  hear(data: unknown): void {
    if (typeof data !== "object" || data === null || !("seen" in data)) return;
    if (this.#cells.get(String(data.seen))?.running === false)
      this.#cells.delete(String(data.seen));
  }

  /** A page is gone. */
  close(comm: string): void {
    this.#comms.delete(comm);
    for (const { pages } of this.#cells.values()) pages.delete(comm);
    if (this.#comms.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tell(record: CellRecord): void {
    for (const [comm, untold] of record.pages) {
      if (untold.size === 0) continue;
      const outputs = [...untold].sort((a, b) => a - b).map((at) => [at, record.outputs[at]]);
      untold.clear();
      this.send(comm, { cells: [state(record, outputs as [number, Output][])] });
    }
  }
}

/** What a page is told: of the outputs those that it has not, each with its number. */
function state({ id, count, running }: CellRecord, outputs: readonly [number, Output][]): Content {
  return { id, count, running, outputs: outputs.map(([at, output]) => ({ at, output })) };
}

/** The cell's id in its notebook, where the client says it. */
function cellOf(request: Message | undefined): string | undefined {
  const id = request?.metadata.cellId;
  return typeof id === "string" ? id : undefined;
}

/** @returns the number of the output that was added or replaced. */
function put({ outputs, places }: CellRecord, type: string, content: Content): number | undefined {
  const { transient, ...shown } = content;
  const place = (transient as { display_id?: string } | undefined)?.display_id;
  const last = outputs.at(-1);
  switch (type) {
    case "stream":
      if (last?.output_type === "stream" && last.name === content.name)
        last.text = `${last.text}${content.text}`;
      else outputs.push({ output_type: type, ...content });
      return outputs.length - 1;
    case "update_display_data": {
      const at = places.get(place ?? "");
      if (at !== undefined) outputs[at] = { output_type: "display_data", ...shown };
      return at;
    }
    case "display_data":
    case "execute_result":
    case "error":
      if (place !== undefined) places.set(place, outputs.length);
      return outputs.push({ output_type: type, ...shown }) - 1;
    default:
      return undefined;
  }
}
