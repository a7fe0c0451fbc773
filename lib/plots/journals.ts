import { UserError } from "../core/errors";
import type { Figure } from "./figure";
import { COLUMN, PAGE } from "./theme";

/** What a journal wants of a figure. */
export interface Journal {
  /** Its name. */
  readonly title: string;
  /** Width of a column, mm. */
  readonly columnMm: number;
  /** Width of a page's text, mm. */
  readonly pageMm: number;
  /** Greatest height of a figure, mm. */
  readonly heightMm: number;
  /** Smallest lettering, points (1/72 inch). */
  readonly textPt: number;
  /** Thinnest line, points. */
  readonly linePt: number;
}

// Only Nature names a smallest lettering (5 pt) and a thinnest line (0.25 pt); the others ask for legible ones.
const LEGIBLE = { textPt: 5, linePt: 0.25 };

const known = {
  /** AASTeX 6.31: columns of 242 pt, a page of 513 pt (TeX points). */
  apj: { title: "The Astrophysical Journal", columnMm: 85, pageMm: 180, heightMm: 230, ...LEGIBLE },
  /** mnras.cls: columns of 240 pt, a page of 504 pt. */
  mnras: { title: "MNRAS", columnMm: 84, pageMm: 177, heightMm: 235, ...LEGIBLE },
  /** aanda.org, "Figures": 88 mm, at most 180 mm. */
  aa: { title: "Astronomy & Astrophysics", columnMm: 88, pageMm: 180, heightMm: 240, ...LEGIBLE },
  /** research-figure-guide.nature.com: 89 and 183 mm, 170 mm high with room for the caption. */
  nature: { title: "Nature", columnMm: 89, pageMm: 183, heightMm: 170, ...LEGIBLE },
} as const satisfies Readonly<Record<string, Journal>>;

/** Name of a journal. */
export type JournalName = keyof typeof known;

/** Journals by the name that options take. A new one is a line above. */
export const journalRegistry: Readonly<Record<JournalName, Journal>> = known;

/** @throws UserError where no journal has the name */
export function journalOf(name: JournalName): Journal {
  if (Object.hasOwn(journalRegistry, name)) return journalRegistry[name];
  throw new UserError(
    `"${name}" is no journal that is known here`,
    `Use one of ${Object.keys(journalRegistry).join(", ")}, or give the width in millimeters.`,
  );
}

/** A column, or the page for a figure that is wider than the middle between them. */
export function journalWidth({ layout }: Figure, { columnMm, pageMm }: Journal): number {
  return (layout.width as number) > (COLUMN + PAGE) / 2 ? pageMm : columnMm;
}
