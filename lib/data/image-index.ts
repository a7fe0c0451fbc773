import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors";
import { mapParallel } from "../core/parallel";
import { writeFileAtomic } from "../io/atomic";
import { dataFolder } from "../io/paths";
import { decodeImage, type ImageShape, probeImage } from "./image-files";

/** Fewer files of a folder than these are looked at anew each time: that is quick. */
const FEWEST = 200;
/** A file that changed so recently could change again without its time changing, ms. */
const JUST_NOW = 1000;

/** Of a file name: size in bytes, times of its last writing and last change (ms), and what was seen. */
const indexSchema = z.record(
  z.string(),
  z.tuple([
    z.number(),
    z.number(),
    z.number(),
    z.int().positive(),
    z.int().positive(),
    z.boolean(),
    z.boolean(),
  ]),
);
type Index = z.infer<typeof indexSchema>;

/** How files are looked at. */
export interface LookOptions {
  /** Decode each file once, to be sure that it can be. Default false: its header is enough. */
  readonly decode?: boolean;
  /** Where the index is kept; the project's `data/` by default. */
  readonly folder?: string;
  /** Called while the files are looked at. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Look at many image files. What was seen of good ones is kept, an index for each folder that holds
 * them, and taken from there the next time where a file's size and times are the same: a header costs
 * half a millisecond, ten times as much as asking for size and times.
 *
 * @returns The shape of each, or what is wrong with the file, in words.
 */
export async function lookAtImages(
  paths: readonly string[],
  { decode = false, folder = dataFolder(), onProgress }: LookOptions = {},
): Promise<(ImageShape | string)[]> {
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  const indexes = new Map<string, { path: string; known: Index; news: Index }>();
  for (const [parent, count] of counts) {
    if (count < FEWEST) continue;
    const path = await indexPath(folder, parent);
    indexes.set(parent, { path, known: await readIndex(path), news: {} });
  }
  const shapes = await mapParallel(
    paths,
    16,
    async (path) => {
      const index = indexes.get(dirname(path));
      if (index === undefined) return look(path, decode);
      const name = basename(path);
      const found = await stat(path).catch(() => undefined);
      const seen = Object.hasOwn(index.known, name) ? index.known[name] : undefined;
      if (found && seen && found.size === seen[0] && isSame(found, seen) && (seen[6] || !decode)) {
        return { width: seen[3], height: seen[4], plainJpeg: seen[5] };
      }
      const before = Date.now();
      const shape = await look(path, decode);
      if (found && typeof shape !== "string" && before - found.ctimeMs > JUST_NOW) {
        const { width, height, plainJpeg = false } = shape;
        const { size, mtimeMs, ctimeMs } = found;
        index.news[name] = [size, mtimeMs, ctimeMs, width, height, plainJpeg, decode];
      }
      return shape;
    },
    onProgress,
  );
  for (const { path, known, news } of indexes.values()) {
    if (Object.keys(news).length === 0) continue;
    try {
      writeFileAtomic(path, JSON.stringify({ ...known, ...news }), { fsync: false });
    } catch (error) {
      // Nothing is lost where it cannot be written but time.
      if (!(error instanceof UserError)) throw error;
    }
  }
  return shapes;
}

function isSame(found: { mtimeMs: number; ctimeMs: number }, seen: Index[string]): boolean {
  return found.mtimeMs === seen[1] && found.ctimeMs === seen[2];
}

async function look(path: string, decode: boolean): Promise<ImageShape | string> {
  const shape = await probeImage(path);
  if (typeof shape === "string" || !decode) return shape;
  try {
    await decodeImage(path, shape, {});
    return shape;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.problem.slice(path.length + 2, -1);
  }
}

async function indexPath(folder: string, parent: string): Promise<string> {
  const source = await realpath(parent).catch(() => parent);
  const name = createHash("sha256").update(source).digest("hex").slice(0, 16);
  return join(folder, "image-index", `${name}.json`);
}

/** Empty where there is none, or none that can be read. */
async function readIndex(path: string): Promise<Index> {
  try {
    return indexSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return {};
  }
}
