import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

/**
 * A CSV of galaxies with the votes of ten volunteers each, as cast and debiased, and their pictures: gray
 * squares, the brighter the more disks were seen. Only who saw a disk was asked for a bar.
 *
 * @returns settings of `data` that open it
 */
export async function writeVotes(
  folder: string,
  count: number,
): Promise<{ spec: string; tree: string }> {
  const { default: sharp } = await import("sharp");
  mkdirSync(folder, { recursive: true });
  const answers = ["shape_smooth", "shape_disk", "bar_yes", "bar_no"];
  const columns = answers.flatMap((answer) => [`${answer}_count`, `${answer}_debiased`]);
  const lines = [`id,path,${columns}`];
  for (let i = 0; i < count; i++) {
    const disk = 1 + (i % 10);
    const bar = Math.floor(disk / 2);
    const pixels = Buffer.alloc(32 * 32 * 3, 20 + 20 * disk);
    // No two of them are equal files.
    pixels[0] = i;
    const image = sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } });
    await image.png().toFile(join(folder, `${i}.png`));
    const debiased = [0.9 - 0.08 * disk, 0.1 + 0.08 * disk, 0.4, 0.6];
    const votes = [10 - disk, disk, bar, disk - bar].flatMap((count, a) => [count, debiased[a]]);
    lines.push(`g${i},${i}.png,${votes}`);
  }
  const [spec, tree] = [join(folder, "votes.csv"), join(folder, "tree.yaml")];
  writeFileSync(spec, `${lines.join("\n")}\n`);
  const questions = [
    "{ name: shape, answers: [smooth, disk] }",
    "{ name: bar, answers: [yes, no], after: shape_disk }",
  ];
  writeFileSync(tree, `questions:\n${questions.map((one) => `  - ${one}\n`).join("")}`);
  return { spec, tree };
}
