import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeFileAtomic } from "./atomic";
import { withLock } from "./lock";

/** Name of the file that keeps digests beside the downloads, in the format of `sha256sum`. */
export const DIGEST_LIST = "SHA256SUMS";

/** SHA-256 of a file, in hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** The digest that was recorded for a file when it was first downloaded, if it was. */
export async function recordedDigest(path: string): Promise<string | undefined> {
  return (await readList(dirname(path))).get(basename(path));
}

/** Record the digest of a file, so that later downloads are checked against it. */
export async function recordDigest(path: string, digest: string): Promise<void> {
  const list = join(dirname(path), DIGEST_LIST);
  await withLock(`${list}.lock`, list, async () => {
    const digests = (await readList(dirname(path))).set(basename(path), digest);
    const lines = [...digests].sort().map(([name, value]) => `${value}  ${name}\n`);
    writeFileAtomic(list, lines.join(""));
  });
}

async function readList(folder: string): Promise<Map<string, string>> {
  const text = await readFile(join(folder, DIGEST_LIST), "utf8").catch(() => "");
  const lines = text.split("\n").map((line) => /^([0-9a-f]{64}) [ *](.+)$/.exec(line));
  return new Map(lines.flatMap((found) => (found ? [[found[2], found[1]] as const] : [])));
}
