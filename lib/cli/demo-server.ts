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
};

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
 * @param model Folder that stands in the place of the page's own `model/`. Default: its own.
 * @param port 0: any that is free.
 * @throws UserError when the port is taken
 */
export async function servePage(
  folder: string,
  { model, port }: { readonly model?: string; readonly port: number },
): Promise<ServedPage> {
  const policy = /Content-Security-Policy"\s+content="([^"]+)"/.exec(
    readFileSync(join(folder, "index.html"), "utf8"),
  );
  if (policy === null) throw new Error(`${folder} has no content security policy`);
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("Content-Security-Policy", policy[1]);
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-cache");
    const file = fileOf(request, folder, model);
    if (typeof file === "number") {
      response.writeHead(file).end();
      return;
    }
    response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
    response.setHeader("Content-Length", statSync(file).size);
    if (request.method === "HEAD") response.end();
    else createReadStream(file).pipe(response);
  };
  const server = createServer(answer);
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

/** The file that is asked for, or the status that says why there is none. */
function fileOf(request: IncomingMessage, folder: string, model?: string): string | number {
  // Another site's name that leads here must not read what is served.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "")) return 403;
  if (request.method !== "GET" && request.method !== "HEAD") return 405;
  let path: string;
  try {
    path = decodeURIComponent((request.url ?? "/").split("?")[0]);
  } catch {
    return 400;
  }
  const ownModel = model !== undefined && path.startsWith("/model/");
  const root = ownModel ? model : folder;
  const file = join(
    root,
    ownModel ? path.slice("/model".length) : path.replace(/\/$/, "/index.html"),
  );
  const inside = file.startsWith(root + sep) && !path.includes("\0");
  return inside && existsSync(file) && statSync(file).isFile() ? file : 404;
}
