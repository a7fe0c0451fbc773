// Advance widths in em of a grotesque such as Arial: a little wider than the embedded font, so that
// a margin made from them holds whichever font draws the text.
function advance(character: string): number {
  if ("iljI|.,:;'! ".includes(character)) return 0.28;
  if ("ftr()[]-–/".includes(character)) return 0.34;
  if ("mwMW%".includes(character)) return 0.87;
  if (character >= "A" && character <= "Z") return 0.69;
  return 0.55;
}

/** How much wider than its estimate a text may be, where a page without the figures' font falls back to another. */
export const FALLBACK = 1.2;

/** About how wide a text is drawn, pixels; of several lines (`<br>`) the widest. */
export function textWidth(text: string, size: number): number {
  const lines = text.split("<br>").map((line) => {
    let width = 0;
    for (const character of line.replace(/<[^>]*>/g, "")) width += advance(character);
    return width;
  });
  return Math.max(...lines) * size;
}

/** The widest of several texts, pixels. */
export function widest(texts: readonly string[], size: number): number {
  return texts.reduce((width, text) => Math.max(width, textWidth(text, size)), 0);
}

/** A name as plotly shows it: underscores as spaces, lines broken at `\n`, no markup read. */
export function plain(name: string): string {
  return name
    .replaceAll("_", " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("\n", "<br>");
}

/** A name in at most two lines of balanced length, split at a space where it is long. */
export function twoLines(name: string, longest = 14): string {
  if (name.includes("\n")) return plain(name);
  const words = plain(name).split(" ");
  if (name.length <= longest || words.length === 1) return words.join(" ");
  const splits = words.slice(1).map((_, i) => {
    const lines = [words.slice(0, i + 1).join(" "), words.slice(i + 1).join(" ")];
    return { lines, length: widest(lines, 1) };
  });
  return splits
    .reduce((best, split) => (split.length < best.length ? split : best))
    .lines.join("<br>");
}

/** A count with thin spaces between thousands, as journals write it. */
export function count(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** What the parts of a split are called in every figure. */
export const PART_NAMES = { train: "training", val: "validation", test: "test" } as const;

/** A part of a split. */
export type Part = keyof typeof PART_NAMES;

/**
 * A caption in lines of at most `width` pixels, broken after spaces, slashes and hyphens, such as those of the
 * id of a file in folders; a longer word is cut.
 */
export function wrap(text: string, width: number, size: number): string[] {
  const lines = [""];
  for (const word of text.split(/(?<=[ /_-])/)) {
    const last = lines[lines.length - 1];
    if (last === "" || textWidth((last + word).trimEnd(), size) <= width) {
      lines[lines.length - 1] = last + word;
    } else lines.push(word);
    for (;;) {
      const long = lines[lines.length - 1];
      if (long.length < 2 || textWidth(long.trimEnd(), size) <= width) break;
      let fits = long.length - 1;
      while (fits > 1 && textWidth(long.slice(0, fits), size) > width) fits--;
      lines.splice(-1, 1, long.slice(0, fits), long.slice(fits));
    }
  }
  return lines.map((line) => line.trimEnd());
}
