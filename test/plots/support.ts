import { createHash } from "node:crypto";
import type { Figure } from "#lib/plots/figure";

/** `UPDATE_FIGURES=1` rewrites the stored specs and pictures; look at them before committing. */
export const updating = process.env.UPDATE_FIGURES === "1";

/**
 * A figure's spec in short: numbers to six digits, pictures by kind, long arrays by their ends, length
 * and digest.
 */
export function digest(figure: Figure): unknown {
  return JSON.parse(JSON.stringify(figure), (_, value) => {
    if (typeof value === "number") return Number(value.toPrecision(6));
    if (typeof value === "string" && value.startsWith("data:")) return value.split(",")[0];
    if (Array.isArray(value) && value.length > 24) {
      const hash = createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
      return { length: value.length, first: value[0], last: value[value.length - 1], hash };
    }
    return value;
  });
}

interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Pairs of texts that cover each other by more than a pixel both ways. */
export function overlaps(boxes: readonly Box[]): string[] {
  return boxes.flatMap((a, i) =>
    boxes.slice(i + 1).flatMap((b) => {
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      return width > 1 && height > 1 ? [`"${a.text}" and "${b.text}"`] : [];
    }),
  );
}

/** In a page: the boxes of every text of an SVG. */
export const TEXT_BOXES = `Array.from(document.querySelectorAll("svg text"), (node) => {
  const { left, right, top, bottom } = node.getBoundingClientRect();
  return { text: node.textContent, left, right, top, bottom };
}).filter(({ left, right }) => right > left)`;
