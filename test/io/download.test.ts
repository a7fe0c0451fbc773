import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "#lib/core/errors";
import { download } from "#lib/io/download";

const content = Buffer.from(
  Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255),
);
const digest = createHash("sha256").update(content).digest("hex");
type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Send the file as a good server does, or from a wrong place, or not all of it. */
function send(request: IncomingMessage, response: ServerResponse, upTo = content.length): void {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const from = asked ? Number(asked[1]) : 0;
  const headers: Record<string, string | number> = {
    etag: '"one"',
    "content-length": content.length - from,
    "content-type": "application/octet-stream",
  };
  if (asked) headers["content-range"] = `bytes ${from}-${content.length - 1}/${content.length}`;
  response.writeHead(asked ? 206 : 200, headers);
  if (upTo >= content.length) response.end(content.subarray(from));
  else response.write(content.subarray(from, upTo), () => setTimeout(() => response.destroy(), 50));
}

describe("data/download", () => {
  let server: Server;
  let folder = "";
  let url = "";
  let handler: Handler;
  let requests: (string | undefined)[] = [];

  before(async () => {
    server = createServer((request, response) => {
      requests.push(request.headers.range);
      handler(request, response, requests.length);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.h5`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "download-"));
    requests = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const fast = { backOff: 1, sha256: digest };
  const get = (options = {}) => download(url, join(folder, "file.h5"), { ...fast, ...options });
  const whole = async () => assert.deepEqual(await readFile(join(folder, "file.h5")), content);
  const refused = (work: Promise<void>, words: RegExp, remedy = /./) =>
    assert.rejects(work, (e: unknown) => {
      assert.ok(e instanceof UserError, String(e));
      assert.match(e.problem, words);
      assert.match(e.remedy, remedy);
      return true;
    });

  it("removes what a process left that was killed after its last move", async () => {
    const path = join(folder, "file.h5");
    await writeFile(path, content);
    await writeFile(`${path}.part.tag`, '"one"');
    const dead = { host: hostname(), pid: 999999999, user: "anna", started: "", token: "dead" };
    await writeFile(`${path}.lock`, JSON.stringify(dead));
    await get();
    assert.deepEqual(await readdir(folder), ["file.h5"]);
    // Of another host it cannot be known: the file is whole, and its lock is left alone.
    await writeFile(`${path}.lock`, JSON.stringify({ ...dead, host: "node-17" }));
    await get();
    assert.deepEqual(await readdir(folder), ["file.h5", "file.h5.lock"]);
    assert.equal(requests.length, 0);
  });

  it("brings a file, once, and says how far it is", async () => {
    handler = (request, response) => send(request, response);
    const seen: number[] = [];
    await get({
      onProgress: (p: { done: number; total?: number }) => seen.push(p.done / (p.total ?? 0)),
    });
    await whole();
    assert.equal(seen.at(-1), 1);
    assert.deepEqual(await readdir(folder), ["file.h5"]);
    await get();
    assert.equal(requests.length, 1);
  });

  it("goes on where the connection dropped", async () => {
    handler = (request, response, count) => send(request, response, count * 80_000);
    await get();
    await whole();
    assert.equal(requests.length, 4);
    assert.deepEqual(requests, [undefined, "bytes=80000-", "bytes=160000-", "bytes=240000-"]);
  });

  it("goes on after the program was stopped", async () => {
    handler = (request, response) => send(request, response, 100_000);
    await refused(get({ attempts: 1 }), /1 times in a row/);
    let condition: unknown;
    handler = (request, response) => {
      condition = request.headers["if-range"];
      send(request, response);
    };
    await get();
    await whole();
    assert.equal(requests.at(-1), "bytes=100000-");
    assert.equal(condition, '"one"', "the rest only of the same file");
  });

  it("starts over with a server that ignores ranges, or whose file has changed", async () => {
    handler = (request, response) => send(request, response, 100_000);
    await assert.rejects(get({ attempts: 1 }));
    handler = (request, response) => {
      delete request.headers.range;
      send(request, response);
    };
    await get();
    await whole();

    await rm(join(folder, "file.h5"));
    await writeFile(join(folder, "file.h5.part"), Buffer.alloc(400_000));
    await writeFile(join(folder, "file.h5.part.tag"), '"one"');
    handler = (request, response) => {
      if (request.headers.range) response.writeHead(416).end();
      else send(request, response);
    };
    await get();
    await whole();
  });

  it("is not misled by a wrong length", async () => {
    handler = (_, response) => {
      response.writeHead(200, { "content-length": content.length + 10 });
      response.write(content, () => response.destroy());
    };
    await refused(get({ attempts: 2 }), /2 times in a row/);
    await rm(join(folder, "file.h5.part"));
    handler = (request, response) => send(request, response);
    await refused(get({ size: 7 }), /offers 300000 bytes; expected 7/);
    handler = (_, response) => response.writeHead(200).end(content.subarray(0, 1000));
    await refused(get({ size: content.length, attempts: 2 }), /of 300000 bytes came/);
  });

  it("waits when it is asked to, and retries", async () => {
    handler = (request, response, count) => {
      if (count === 1) response.writeHead(429, { "retry-after": "0" }).end();
      else if (count === 2) response.writeHead(503).end();
      else if (count === 3) response.destroy();
      else send(request, response);
    };
    await get();
    await whole();
    assert.equal(requests.length, 4);

    await rm(join(folder, "file.h5"));
    requests = [];
    handler = (request, response, count) => {
      if (count === 1) response.writeHead(503, { "retry-after": "1" }).end();
      else send(request, response);
    };
    const start = performance.now();
    await get();
    assert.ok(performance.now() - start > 900);
  });

  it("waits twice as long after each failure", async () => {
    const times: number[] = [];
    handler = (_, response) => {
      times.push(performance.now());
      response.writeHead(503).end();
    };
    await refused(get({ attempts: 4, backOff: 40 }), /503 .*4 times in a row/);
    const waits = times.slice(1).map((time, i) => time - times[i]);
    for (const [i, least] of [40, 80, 160].entries()) assert.ok(waits[i] > least - 5, `${waits}`);
  });

  it("gives up on a connection that stalls", async () => {
    handler = (_, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("x");
    };
    await refused(get({ stallTimeout: 50, attempts: 2 }), /stalled: 1 bytes in 0.05 s, 2 times/);
    handler = (_, response) =>
      void response.writeHead(200, { "content-length": 100 }).flushHeaders();
    await refused(get({ stallTimeout: 50, attempts: 2 }), /stalled, 2 times/);
  });

  it("gives up on a connection that only drips", async () => {
    handler = (request, response) => {
      const asked = request.headers.range !== undefined;
      response.writeHead(asked ? 206 : 200, {
        etag: '"one"',
        "content-length": content.length,
        ...(asked && { "content-range": request.headers.range?.replace("=", " ") }),
      });
      const drip = setInterval(() => response.write("x"), 10);
      response.on("close", () => clearInterval(drip));
    };
    const start = performance.now();
    await refused(
      get({ stallTimeout: 100, leastRate: 1000, attempts: 3 }),
      /stalled: \d+ bytes in 0\.1 s, 3 times/,
    );
    assert.ok(performance.now() - start < 3000);
  });

  it("ends when the stated size is there, and refuses more", async () => {
    handler = (_, response) => void response.writeHead(200).write(content);
    await get({ size: content.length });
    await whole();
    await rm(join(folder, "file.h5"));
    handler = (_, response) => {
      response.writeHead(200);
      const flood = () => response.write(Buffer.alloc(70_000)) && setImmediate(flood);
      response.on("drain", flood);
      flood();
    };
    await refused(get({ size: content.length }), /sends more than the 300000 bytes/);
    assert.deepEqual(await readdir(folder), []);
    handler = (_, response) => response.writeHead(200).end();
    await refused(get({ attempts: 2 }), /no byte came, 2 times/);
  });

  it("starts anew where the rest comes from another file", async () => {
    handler = (request, response) => send(request, response, 100_000);
    await assert.rejects(get({ attempts: 1 }));
    handler = (request, response, count) => {
      if (count > 2) return send(request, response);
      const rest = Buffer.alloc(content.length - 100_000, "x");
      response.writeHead(206, {
        etag: '"two"',
        "content-range": `bytes 100000-${content.length - 1}/${content.length}`,
      });
      return response.end(rest);
    };
    await get();
    await whole();
    assert.deepEqual(requests, [undefined, "bytes=100000-", undefined]);
  });

  it("is not led in circles", async () => {
    handler = (_, response) => response.writeHead(302, { location: url }).end();
    await refused(get(), /leads from one address to the next/);
    assert.ok(requests.length <= 21, String(requests.length));
  });

  it("records no digest of a web page, whatever the server calls it", async () => {
    handler = (_, response) =>
      response
        .writeHead(200, { "content-type": "application/octet-stream" })
        .end("\n<!DOCTYPE html><html>Please log in</html>");
    await refused(get({ sha256: undefined }), /sends a web page/);
    assert.deepEqual(await readdir(folder), []);
    handler = (request, response) => send(request, response);
    await get({ sha256: undefined });
    await whole();
  });

  it("has one winner where two processes want the same file", async () => {
    handler = (request, response) => setTimeout(() => send(request, response), 100);
    const script = `
      const { download } = require(${JSON.stringify(require.resolve("#lib/io/download"))});
      download(${JSON.stringify(url)}, ${JSON.stringify(join(folder, "file.h5"))})
        .then(() => console.log("whole"), (error) => console.log(error));`;
    const outputs = await Promise.all(
      [0, 1, 2].map(async () => {
        const child = spawn(process.execPath, ["-e", script]);
        let text = "";
        child.stdout.on("data", (chunk) => {
          text += chunk;
        });
        await once(child, "close");
        return text;
      }),
    );
    assert.deepEqual(outputs, ["whole\n", "whole\n", "whole\n"]);
    assert.equal(requests.length, 1);
    await whole();
    assert.deepEqual((await readdir(folder)).sort(), ["SHA256SUMS", "file.h5"]);
  });

  it("does not retry what cannot succeed", async () => {
    handler = (_, response) => response.writeHead(404).end("no");
    await refused(get(), /answers 404 Not Found/);
    handler = (_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<html>");
    await refused(get(), /sends a web page, not the file file.h5/);
    assert.equal(requests.length, 2);
    assert.deepEqual(await readdir(folder), []);
  });

  it("keeps nothing of a file with a wrong digest", async () => {
    handler = (request, response) => send(request, response);
    await refused(get({ sha256: "0".repeat(64) }), /SHA-256 of what came is .*; expected 000/);
    assert.deepEqual(await readdir(folder), []);
  });

  it("records a digest that nobody gave, and keeps to it", async () => {
    handler = (request, response) => send(request, response);
    await get({ sha256: undefined });
    assert.equal(await readFile(join(folder, "SHA256SUMS"), "utf8"), `${digest}  file.h5\n`);
    await rm(join(folder, "file.h5"));
    handler = (_, response) => response.writeHead(200).end("something else");
    const how = /to forget it, delete the line file\.h5 of .*SHA256SUMS/;
    await refused(get({ sha256: undefined }), /expected/, how);
    // As sha256sum writes it of a file that was read as bytes.
    await writeFile(join(folder, "SHA256SUMS"), `${digest} *file.h5\n`);
    await refused(get({ sha256: undefined }), /expected/, how);
    await writeFile(join(folder, "file.h5"), "edited");
    await refused(get({ sha256: undefined }), /its SHA-256 is not/, how);
  });

  it("stops when told, keeping what it has", async () => {
    const stop = new AbortController();
    handler = (_, response) => {
      response.writeHead(200, { "content-length": content.length, etag: '"one"' });
      response.write(content.subarray(0, 1000), () => setTimeout(() => stop.abort(), 20));
    };
    await assert.rejects(get({ signal: stop.signal }), { name: "AbortError" });
    handler = (request, response) => send(request, response);
    await get();
    await whole();
    assert.equal(requests.at(-1), "bytes=1000-");
  });
});
