import { kernelHost } from "../core/kernel-host";
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

/** @returns whether there is a notebook cell to show things in. */
export function inNotebook(): boolean {
  return kernelHost()?.display !== undefined;
}

/** Show something below the cell; in a plain terminal its text. */
export function show(bundle: MimeBundle): void {
  const write = kernelHost()?.display;
  if (write) write({ data: bundle, metadata: {}, transient: {} });
  else console.log(printable(bundle["text/plain"]));
}

let slots = 0;

/** Reserve a place below the running cell. It belongs to that cell for good. */
export function newSlot(): Slot {
  const write = kernelHost()?.display;
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
