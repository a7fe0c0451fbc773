import { createHash } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { mapParallel } from "../core/parallel";

/** Bytes from the middle of a file that tell most files of one size apart. */
const SAMPLE = 1024;

/**
 * Files that are equal byte by byte. Only those of one size that also agree in their middle are read
 * whole.
 *
 * @param paths Files; one that cannot be read equals no other.
 * @returns For each file the index of the first that is equal to it, often its own.
 */
export async function equalFiles(paths: readonly string[]): Promise<Uint32Array> {
  const first = Uint32Array.from(paths, (_, i) => i);
  const all = [...paths.keys()];
  const bySize = await alike(all, async (i) => (await stat(paths[i])).size);
  const bySample = await alike(bySize, (i) => sampleOf(paths[i]));
  const seen = new Map<string, number>();
  const digests = await mapParallel(bySample, 16, (i) => orNothing(digestOf(paths[i])));
  for (const [at, digest] of digests.entries()) {
    if (digest === undefined) continue;
    const before = seen.get(digest);
    if (before === undefined) seen.set(digest, bySample[at]);
    else first[bySample[at]] = before;
  }
  return first;
}

/** Those of which another one has the same key, in order. */
async function alike(
  indices: readonly number[],
  keyOf: (index: number) => Promise<string | number>,
): Promise<number[]> {
  const keys = await mapParallel(indices, 32, (i) => orNothing(keyOf(i)));
  const times = new Map<string | number | undefined, number>();
  for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1);
  return indices.filter((_, at) => keys[at] !== undefined && (times.get(keys[at]) ?? 0) > 1);
}

async function sampleOf(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(SAMPLE),
      0,
      SAMPLE,
      Math.max(0, Math.floor((size - SAMPLE) / 2)),
    );
    return `${size} ${buffer.toString("base64", 0, bytesRead)}`;
  } finally {
    await file.close();
  }
}

async function digestOf(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch(() => undefined);
}
