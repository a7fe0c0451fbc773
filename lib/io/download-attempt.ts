import { open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { UserError } from "../core/errors";
import { systemCode } from "../core/system-errors";

/** How a download goes. */
export interface DownloadProgress {
  /** Bytes that are there. */
  readonly done: number;
  /** Bytes of the whole file, where the server says. */
  readonly total: number | undefined;
  /** Speed since this attempt began, bytes a second. */
  readonly bytesPerSecond: number;
  /** At this speed, seconds; where the server says how long the file is. */
  readonly secondsLeft: number | undefined;
}

/** How a file is downloaded. */
export interface DownloadOptions {
  /**
   * Expected SHA-256, hexadecimal. Default: none; then the digest of the first download is recorded and
   * later ones are held to it.
   */
  readonly sha256?: string;
  /** Record the digest of a file whose digest nobody gave; default true. */
  readonly record?: boolean;
  /** Expected size, bytes. Default: unknown. */
  readonly size?: number;
  /** Called after every piece that comes. Default: nothing. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Attempts in a row that bring nothing new, before giving up. Default 6. */
  readonly attempts?: number;
  /** Wait after the first failure, doubled after each, ms. Default 1,000. */
  readonly backOff?: number;
  /** A connection that brings nothing, or next to nothing, for so long has broken, ms. Default 60,000. */
  readonly stallTimeout?: number;
  /** Less than this over a `stallTimeout` is next to nothing, bytes a second. Default 100. */
  readonly leastRate?: number;
  /** Ends the download; what has come is kept for the next one. Default: in a notebook, an interrupt of the cell. */
  readonly signal?: AbortSignal;
}

/** A failure that another attempt may mend; `wait` is what the server asked for. */
export class Temporary extends Error {
  constructor(
    message: string,
    readonly wait?: number,
  ) {
    super(message);
  }
}

/**
 * Ask a server for a file once, going on where `<path>.part` ends.
 *
 * @throws Temporary where another attempt may succeed; UserError where none can
 */
export async function attempt(url: string, path: string, options: DownloadOptions): Promise<void> {
  const part = `${path}.part`;
  const have = await size(part);
  // A part is continued only if the server's file is still the same one.
  const tag = have > 0 ? await readFile(`${part}.tag`, "utf8").catch(() => "") : "";
  const abort = new AbortController();
  const stop = () => abort.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", stop, { once: true });
  const { stallTimeout = 60_000 } = options;
  const least = ((options.leastRate ?? 100) * stallTimeout) / 1000;
  let came = 0;
  const timer = setInterval(() => {
    const drips = came > 0 ? `: ${came} bytes in ${stallTimeout / 1000} s` : "";
    if (came < least) abort.abort(new Temporary(`the connection stalled${drips}`));
    came = 0;
  }, stallTimeout);
  try {
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (have > 0 && tag) Object.assign(headers, { range: `bytes=${have}-`, "if-range": tag });
    const response = await fetch(url, { headers, signal: abort.signal });
    if (/^https:/i.test(url) && /^http:/i.test(response.url)) {
      throw new UserError(
        `${url}: the server leads to ${response.url}, which is not encrypted.`,
        "Do not use that file; give another address.",
      );
    }
    const from = startOf(response, have, tag);
    if (from === undefined) return await forget(path, new Temporary("the server's file changed"));
    checkAnswer(response, url, path);
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    const total = Number.isNaN(length) ? undefined : from + length;
    if (total !== undefined && options.size !== undefined && total !== options.size) {
      throw new UserError(
        `${url}: the server offers ${total} bytes; expected ${options.size}.`,
        "The file at the source has changed.",
      );
    }
    const validator = validatorOf(response);
    await writeFile(`${part}.tag`, validator.startsWith("W/") ? "" : validator);
    if (!response.body) throw new Temporary("the server sent nothing");

    const wanted = total ?? options.size;
    let done = from;
    const start = performance.now();
    const file = await open(part, from > 0 ? "a" : "w");
    try {
      for await (const chunk of response.body) {
        came += chunk.length;
        if (wanted !== undefined && done + chunk.length > wanted) {
          await forget(path);
          throw new UserError(
            `${url}: the server sends more than the ${wanted} bytes that were stated.`,
            "The file at the source has changed; nothing was kept.",
          );
        }
        // Written at once, not through a buffer: what has come is kept when the connection breaks.
        await file.appendFile(chunk);
        done += chunk.length;
        const bytesPerSecond = ((done - from) / (performance.now() - start + 1)) * 1000;
        const secondsLeft = total === undefined ? undefined : (total - done) / bytesPerSecond;
        options.onProgress?.({ done, total, bytesPerSecond, secondsLeft });
        // A server may keep the connection open.
        if (done === wanted) break;
      }
    } finally {
      await file.close();
    }
    if (wanted !== undefined ? done !== wanted : done === 0) {
      throw new Temporary(
        wanted === undefined ? "no byte came" : `${done} of ${wanted} bytes came`,
      );
    }
  } catch (error) {
    throw temporary(abort.signal.reason ?? error, url);
  } finally {
    clearInterval(timer);
    options.signal?.removeEventListener("abort", stop);
  }
}

/** Where the bytes of this answer begin; `undefined` when the part does not fit it. */
function startOf(response: Response, have: number, tag: string): number | undefined {
  if (response.status === 416) return undefined;
  if (response.status !== 206) return 0;
  // A server that does not look at `if-range` sends the rest of another file.
  if (validatorOf(response) !== "" && validatorOf(response) !== tag) return undefined;
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return Number(start) === have ? have : undefined;
}

function validatorOf({ headers }: Response): string {
  return headers.get("etag") ?? headers.get("last-modified") ?? "";
}

function checkAnswer(response: Response, url: string, path: string): void {
  if (response.status === 429 || response.status >= 500) {
    const after = response.headers.get("retry-after");
    const date = after === null ? Number.NaN : Date.parse(after) - Date.now();
    const wait = after === null ? undefined : /^\d+$/.test(after) ? Number(after) * 1000 : date;
    const asked = wait !== undefined && wait >= 0 ? wait : undefined;
    throw new Temporary(`the server answers ${response.status} ${response.statusText}`, asked);
  }
  if (!response.ok) {
    throw new UserError(
      `${url}: the server answers ${response.status} ${response.statusText}.`,
      "Check the address; the record may have moved.",
    );
  }
  const type = response.headers.get("content-type") ?? "";
  if (/^text\/html/i.test(type) && !isPage(path)) throw webPage(url, path);
}

/** Whether a web page is what was asked for. */
export function isPage(path: string): boolean {
  return /\.html?$/i.test(path);
}

/** What to say where a web page came in the place of a file. */
export function webPage(url: string, path: string): UserError {
  return new UserError(
    `${url}: the server sends a web page, not the file ${basename(path)}.`,
    "Open the address in a browser: it may ask to log in, or be down for repair.",
  );
}

/** Failures of the network are worth another attempt; those of the disk are not. */
function temporary(error: unknown, url: string): unknown {
  if (error instanceof UserError || error instanceof Temporary) return error;
  if (error instanceof Error) {
    if (error.name === "AbortError" || systemCode(error) !== undefined) return error;
    if (error.cause instanceof Error && /redirect count/.test(error.cause.message)) {
      return new UserError(
        `${url}: the server leads from one address to the next, and does not end.`,
        "Check the address; the record may have moved.",
        { cause: error },
      );
    }
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
    return new Temporary(`the connection broke (${error.message}${cause})`);
  }
  return error;
}

/** Remove what has come of a file, and then throw. */
export async function forget(path: string, then?: Error): Promise<void> {
  await Promise.all([`${path}.part`, `${path}.part.tag`].map((p) => rm(p, { force: true })));
  if (then) throw then;
}

/** Bytes of a file; 0 where there is none. */
export async function size(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
