import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, sep } from "node:path";
import { UserError } from "../core/errors";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".png": "image/png",
};

/** Pictures that a served page can open by a press. */
export interface PagePictures {
  /** Name of each. */
  readonly ids: readonly string[];
  /** One of them as a PNG file, by its index. */
  png(index: number): Promise<Uint8Array>;
}

/** What {@link servePage} serves, and where. */
export interface ServeOptions {
  /** Folders that stand in the place of the page's own, by name: `model`. Default: none. */
  readonly folders?: Readonly<Record<string, string>>;
  /** Under `pictures/`: `index.json` with their names, and each by its index, `0.png`. Default: none. */
  readonly pictures?: PagePictures;
  /** Where it listens; 0: any port that is free. */
  readonly port: number;
}

/** A page that is served. */
export interface ServedPage {
  /** Where a browser finds it. */
  readonly address: string;
  /** End it. */
  close(): Promise<void>;
}

/**
 * Serve the built page to browsers of this machine, isolated from other pages, so that WebAssembly gets
 * its threads, and under the content security policy of its `index.html`, workers too.
 *
 * @param folder Of the built page.
 * @throws UserError when the port is taken
 */
export async function servePage(
  folder: string,
  { folders = {}, pictures, port }: ServeOptions,
): Promise<ServedPage> {
  const policy = /Content-Security-Policy"\s+content="([^"]+)"/.exec(
    readFileSync(join(folder, "index.html"), "utf8"),
  );
  if (policy === null) throw new Error(`${folder} has no content security policy`);
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("Content-Security-Policy", policy[1]);
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-cache");
    const path = pathOf(request);
    if (typeof path === "number") {
      response.writeHead(path).end();
      return;
    }
    const made = pictures && (await pictureFile(pictures, path));
    if (made !== undefined) {
      response.setHeader("Content-Type", types[extname(path)]);
      response.end(request.method === "HEAD" ? undefined : made);
      return;
    }
    const file = fileOf(path, folder, folders);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
    response.setHeader("Content-Length", statSync(file).size);
    if (request.method === "HEAD") response.end();
    else createReadStream(file).pipe(response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(`${request.url}: ${error}`);
      response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === "EADDRINUSE"
          ? new UserError(`the port ${port} is taken`, "give another, or --port 0 for any", {
              cause,
            })
          : cause,
      ),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** The path that is asked for, or the status that says why it is not answered. */
function pathOf({ headers, method, url = "/" }: IncomingMessage): string | number {
  // Another site's name that leads here must not read what is served.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? "")) return 403;
  if (method !== "GET" && method !== "HEAD") return 405;
  try {
    return decodeURIComponent(url.split("?")[0]).replace(/\/$/, "/index.html");
  } catch {
    return 400;
  }
}

async function pictureFile(
  pictures: PagePictures,
  path: string,
): Promise<Uint8Array | string | undefined> {
  if (path === "/pictures/index.json") return JSON.stringify(pictures.ids);
  const index = Number(/^\/pictures\/(\d{1,9})\.png$/.exec(path)?.[1]);
  return index < pictures.ids.length ? pictures.png(index) : undefined;
}

/** The file of a path; undefined where there is none. */
function fileOf(
  path: string,
  folder: string,
  folders: Readonly<Record<string, string>>,
): string | undefined {
  const name = Object.keys(folders).find((own) => path.startsWith(`/${own}/`));
  const root = name === undefined ? folder : folders[name];
  const file = join(root, name === undefined ? path : path.slice(name.length + 1));
  const inside = file.startsWith(root + sep) && !path.includes("\0");
  return inside && existsSync(file) && statSync(file).isFile() ? file : undefined;
}
