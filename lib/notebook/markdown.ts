import { show } from "./display";

/** Show Markdown below the cell; in a plain terminal, as it is written. */
export function showMarkdown(text: string): void {
  show({ "text/plain": text, "text/markdown": text });
}
