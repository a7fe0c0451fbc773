import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { decisionTrees } from "#lib/data/trees";

/** Sizes of the pictures of the data sets that the paper profiles read, pixels. */
const SIDES: Readonly<Record<string, number>> = {
  synthetic: 64,
  "galaxy10-decals": 256,
  "gz2-8class": 424,
  "gz2-votes": 424,
};

/** Noise, as a JPEG file. */
function picture(side: number, seed: number): Promise<Buffer> {
  let state = seed + 1;
  const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  const raw = { width: 64, height: 64, channels: 3 } as const;
  return sharp(pixels, { raw }).resize(side, side).jpeg().toBuffer();
}

/**
 * Data of the shape of a published data set: as many classes or answers, pictures of its size.
 *
 * @param name Of the published one.
 * @param count How many galaxies.
 * @returns keys of `data`
 */
export async function dataLike(
  name: string,
  count: number,
  folder: string,
): Promise<{ spec: string; tree?: string }> {
  const side = SIDES[name];
  if (side === undefined) throw new Error(`what ${name} looks like is not known here`);
  // All different: copies of one picture would be kept in one part of the split.
  const files = await Promise.all(Array.from({ length: count }, (_, seed) => picture(side, seed)));
  const classes = name === "gz2-votes" ? 1 : name === "gz2-8class" ? 8 : 10;
  const paths = Array.from({ length: count }, (_, i) => {
    const path = join(folder, `class-${i % classes}`, `${i}.jpg`);
    mkdirSync(join(folder, `class-${i % classes}`), { recursive: true });
    writeFileSync(path, files[i]);
    return path;
  });
  if (name !== "gz2-votes") return { spec: folder };
  const answers = decisionTrees["gz2-main"].flatMap((question) => question.answers);
  const rows = paths.map((path, i) => [i, path, ...answers.map((_, a) => 3 + (a % 7))].join(","));
  const table = join(folder, "votes.csv");
  writeFileSync(table, `${["id", "path", ...answers].join(",")}\n${rows.join("\n")}\n`);
  return { spec: table, tree: "gz2-main" };
}
