import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "#lib/core/random";
import type { Dataset } from "#lib/data/dataset";

/** Two classes that differ in color, in memory: learned in an epoch or two. */
export function tinyDataset(size = 64, side = 32): Dataset {
  const random = new Random(7, "tiny");
  const label = Int32Array.from({ length: size }, (_, i) => i % 2);
  const images = Array.from(label, (l) => {
    const image = new Uint8Array(side * side * 3);
    for (let i = 0; i < image.length; i++) {
      image[i] = random.integer(120) + (i % 3 === 0 && l === 1 ? 100 : 0);
    }
    return image;
  });
  return {
    name: "tiny",
    classNames: ["gray", "red"],
    table: { id: Array.from(label, (_, i) => `g${i}`), label },
    size,
    view: {},
    imageSize: [side, side],
    async read(rows) {
      const out = new Uint8Array(rows.length * side * side * 3);
      for (let i = 0; i < rows.length; i++) out.set(images[rows[i]], i * side * side * 3);
      return out;
    },
    async close() {},
  };
}

/** A temporary folder that is gone after the test. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "tuning-fork-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export const rowsOf = (from: number, to: number) =>
  Uint32Array.from({ length: to - from }, (_, i) => from + i);

/**
 * A folder of class folders: gray squares, dark and light.
 *
 * @param edge Rows of black pixels at the top. Default 0.
 */
export async function writeClasses(
  folder: string,
  classes: Readonly<Record<string, number>>,
  side = 32,
  edge = 0,
): Promise<void> {
  const { default: sharp } = await import("sharp");
  for (const [c, [name, count]] of Object.entries(classes).entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const pixels = Buffer.alloc(side * side * 3, 20 + 150 * c + 2 * i);
      pixels.fill(0, 0, edge * side * 3);
      const image = sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
      await image.png().toFile(join(folder, name, `${name}-${i}.png`));
    }
  }
}
