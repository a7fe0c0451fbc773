/** A value of a FITS header card. */
export type FitsValue = string | number | boolean;

/** One header card: keyword, value (none for comments), comment. */
export interface FitsCard {
  /** Keyword, of up to eight letters, or longer after HIERARCH. */
  readonly key: string;
  /** Nothing for comments. */
  readonly value: FitsValue | undefined;
  /** What stands behind the slash, or an empty text. */
  readonly comment: string;
  /** A whole number that `value` does not hold to its last digit. */
  readonly exact?: bigint;
}

/** Bytes as text, a letter each: what FITS writes is ASCII. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Length of a card, bytes. */
const cardLength = 80;
/** Length of a block of 36 cards, bytes. */
export const blockLength = 2880;

/** The header of one HDU of a FITS file: keywords in order, the last of equal ones counts. */
export class FitsHeader {
  private readonly values = new Map<string, FitsValue>();
  private readonly large = new Map<string, bigint>();

  /** @param cards In the order of the file. */
  constructor(readonly cards: readonly FitsCard[]) {
    for (const { key, value, exact } of cards) {
      if (value === undefined) continue;
      this.values.set(key, value);
      if (exact === undefined) this.large.delete(key);
      else this.large.set(key, exact);
    }
  }

  /** The value under `key`, if there is one. */
  get(key: string): FitsValue | undefined {
    return this.values.get(key);
  }

  /** The number under `key`, or `fallback` where there is none. */
  number(key: string, fallback: number): number {
    const value = this.values.get(key);
    return typeof value === "number" ? value : fallback;
  }

  /** The whole number under `key`, to its last digit; `undefined` where there is none. */
  whole(key: string): bigint | undefined {
    const value = this.values.get(key);
    if (typeof value !== "number" || !Number.isInteger(value)) return undefined;
    return this.large.get(key) ?? BigInt(value);
  }

  /** The text under `key`, or `fallback` where there is none. */
  text(key: string, fallback = ""): string {
    const value = this.values.get(key);
    return typeof value === "string" ? value : fallback;
  }
}

/**
 * Read cards up to END.
 *
 * @param block Gives the nth block of 2,880 bytes as text, or `undefined` beyond the file.
 * @returns The header and its length in bytes; `undefined` when the file ends before END.
 */
export function parseHeader(
  block: (index: number) => string | undefined,
): { header: FitsHeader; length: number } | undefined {
  const cards: FitsCard[] = [];
  for (let index = 0; ; index++) {
    const text = block(index);
    if (text === undefined || text.length < blockLength) return undefined;
    for (let at = 0; at < blockLength; at += cardLength) {
      const card = text.slice(at, at + cardLength);
      if (card.slice(0, 8).trimEnd() === "END") {
        return { header: new FitsHeader(cards), length: (index + 1) * blockLength };
      }
      addCard(cards, card);
    }
  }
}

function addCard(cards: FitsCard[], card: string): void {
  const key = card.slice(0, 8).trimEnd();
  const previous = cards.at(-1);
  if (key === "CONTINUE") {
    // A long text goes on here; the & that says so has no other meaning.
    if (typeof previous?.value !== "string" || !previous.value.endsWith("&")) return;
    const { value, comment } = parseValue(card.slice(8));
    if (typeof value !== "string") return;
    const joined = { key: previous.key, value: previous.value.slice(0, -1) + value };
    cards[cards.length - 1] = { ...joined, comment: previous.comment + comment };
    return;
  }
  const equals = card.indexOf("=");
  if (key === "HIERARCH" && equals > 0) {
    cards.push({ key: card.slice(9, equals).trim(), ...parseValue(card.slice(equals + 1)) });
  } else if (card.slice(8, 10) === "= ") {
    cards.push({ key, ...parseValue(card.slice(10)) });
  } else if (key !== "" || card.trim() !== "") {
    cards.push({ key, value: undefined, comment: card.slice(8).trim() });
  }
}

/** The value field of a card: a quoted text (a doubled quote is one), a number, T or F. */
function parseValue(field: string): Pick<FitsCard, "value" | "comment" | "exact"> {
  const quoted = /^\s*'((?:[^']|'')*)'\s*(?:\/(.*))?$/.exec(field);
  if (quoted) {
    const value = quoted[1].replaceAll("''", "'").trimEnd();
    return { value, comment: (quoted[2] ?? "").trim() };
  }
  const slash = field.indexOf("/");
  const text = (slash < 0 ? field : field.slice(0, slash)).trim();
  const comment = slash < 0 ? "" : field.slice(slash + 1).trim();
  if (text === "T" || text === "F") return { value: text === "T", comment };
  // Fortran writes exponents of doubles with a D.
  const number = Number(text.replace(/[Dd]/, "E"));
  const value = text !== "" && Number.isFinite(number) ? number : undefined;
  if (Number.isSafeInteger(number) || !/^[+-]?\d+$/.test(text)) return { value, comment };
  return { value, comment, exact: BigInt(text.replace("+", "")) };
}
