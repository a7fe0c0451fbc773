import { printable } from "../core/printable";

/** One thing to show, in every form it has; the reader's program takes the richest it knows. */
export interface MimeBundle {
  readonly "text/plain": string;
  readonly [mimeType: string]: string | object;
}

/** A place in the output whose content can be replaced. */
export interface Slot {
  show(bundle: MimeBundle): void;
}

type WriteDisplayData = (
  content: { data: MimeBundle; metadata: object; transient: { display_id?: string } },
  update?: boolean,
) => void;

/**
 * tslab's own way to the open cell, if this process is a tslab kernel.
 *
 * The module is looked up among those already loaded: the kernel's instance is the only one that
 * knows the cell, and elsewhere nothing must be loaded. tslab's public `display` sends one form at
 * a time; this is the function beneath it, which takes them together.
 */
function openCell(): WriteDisplayData | undefined {
  const path = Object.keys(require.cache).find((name) =>
    /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(name),
  );
  const kernel: { lastWriteDisplayData?: WriteDisplayData | null } | undefined =
    path === undefined ? undefined : require.cache[path]?.exports;
  return kernel?.lastWriteDisplayData ?? undefined;
}

/** @returns whether there is a notebook cell to show things in. */
export function inNotebook(): boolean {
  return openCell() !== undefined;
}

/** Show something below the cell; in a plain terminal its text. */
export function show(bundle: MimeBundle): void {
  const write = openCell();
  if (write) write({ data: bundle, metadata: {}, transient: {} });
  else console.log(printable(bundle["text/plain"]));
}

let slots = 0;

/** Reserve a place below the running cell. It belongs to that cell for good. */
export function newSlot(): Slot {
  const write = openCell();
  const id = `tuning-fork-${process.pid}-${++slots}`;
  let shown = false;
  return {
    show(bundle) {
      if (!write) {
        console.log(printable(bundle["text/plain"]));
        return;
      }
      write({ data: bundle, metadata: {}, transient: { display_id: id } }, shown);
      shown = true;
    },
  };
}

/** Text made safe inside HTML, attributes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
