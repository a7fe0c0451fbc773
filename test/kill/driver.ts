import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, relative, resolve } from "node:path";
import type { Random } from "#lib/core/random";
import { isTemporary } from "#lib/io/atomic";
import { temporaryFolder, writeClasses } from "../train/support";
import { type Supplies, type Work, works } from "./works";

const WORKER = resolve(__dirname, "worker.cjs");

/** How an attempt ended: by itself, or killed. */
interface Attempt {
  readonly killed: boolean;
  /** From the begin of the work to its end, ms. */
  readonly took: number;
}

/** Kills works; {@link Killer.close} it when done. */
export class Killer {
  private readonly folder = temporaryFolder();
  private readonly server = slowServer();
  /** By work: the folder of an undisturbed run, and how long it took. */
  private readonly whole = new Map<string, { readonly folder: string; readonly took: number }>();
  private supplies: Supplies | undefined;

  /**
   * Kill a work again and again at random moments. After one to three kills the next try must complete and leave the
   * files of an undisturbed run.
   *
   * @param kills How many times it is killed.
   * @returns how many tries came to an end
   * @throws AssertionError, Error saying what was left otherwise
   */
  async kill(name: string, random: Random, kills: number): Promise<number> {
    const work = works[name];
    const supplies = await this.supply();
    const whole = await this.undisturbed(name, supplies);
    const expected = await resultsOf(work, whole.folder);
    assert.ok(Object.keys(expected).length > 0, `${name} leaves files`);
    const folder = join(this.folder.path, "killed");
    let [done, ends] = [0, 0];
    while (done < kills) {
      rmSync(folder, { recursive: true, force: true });
      const most = Math.min(1 + random.integer(3), kills - done);
      for (let [now, progress] = [0, 0]; ; ) {
        const moment = now < most ? random.integer(Math.ceil(whole.took)) : undefined;
        const { killed } = await attempt(name, folder, supplies, moment);
        if (!killed) break;
        [now, done] = [now + 1, done + 1];
        const kept = work.check?.(folder) ?? 0;
        assert.ok(kept >= progress, `${name}: ${progress} were done, and ${kept} are left`);
        progress = kept;
      }
      ends++;
      assert.deepEqual(await resultsOf(work, folder), expected, `${name}, after ${done} kills`);
    }
    return ends;
  }

  /** End the server and remove the files. */
  close(): void {
    this.server.closeAllConnections();
    this.server.close();
    this.folder.remove();
  }

  private async supply(): Promise<Supplies> {
    if (this.supplies !== undefined) return this.supplies;
    const at = (name: string) => join(this.folder.path, name);
    await writeClasses(at("images"), { faint: 30, bright: 30 }, 16);
    if (!this.server.listening) await once(this.server, "listening");
    const supplies = {
      images: at("images"),
      run: join(at("whole train"), "run"),
      archive: resolve(__dirname, "..", "fixtures", "data", "images.zip"),
      url: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/file.bin`,
    };
    // The others need a finished run.
    await this.undisturbed("train", supplies);
    this.supplies = supplies;
    return supplies;
  }

  private async undisturbed(name: string, supplies: Supplies) {
    const folder = join(this.folder.path, `whole ${name}`);
    const found = this.whole.get(name) ?? { folder, ...(await attempt(name, folder, supplies)) };
    this.whole.set(name, found);
    return found;
  }
}

/** It gives 400 kB in pieces, from anywhere. */
function slowServer(): Server {
  const bytes = Buffer.from(
    Uint8Array.from({ length: 400_000 }, (_, i) => (i * 31 + (i >> 8)) & 255),
  );
  const server = createServer(async (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const head = { etag: '"one"', "content-length": bytes.length - from };
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...head, "content-range": range } : head);
    for (let at = from; at < bytes.length && !response.destroyed; at += 20_000) {
      response.write(bytes.subarray(at, at + 20_000));
      await new Promise((resume) => setTimeout(resume, 10));
    }
    response.end();
  });
  return server.listen(0, "127.0.0.1");
}

/** Do a work in a process, killed so many ms after it began, where it has not ended by then. */
function attempt(
  name: string,
  folder: string,
  supplies: Supplies,
  killAfter?: number,
): Promise<Attempt> {
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
  const args = [WORKER, name, folder, JSON.stringify(supplies)];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let [said, began] = ["", performance.now()];
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  child.stdout.once("data", () => {
    began = performance.now();
    if (killAfter !== undefined) setTimeout(() => child.kill("SIGKILL"), killAfter);
  });
  child.stdout.resume();
  return new Promise((done, fail) => {
    child.once("close", (code, signal) => {
      if (code === 0 || signal === "SIGKILL") {
        done({ killed: code !== 0, took: performance.now() - began });
      } else fail(new Error(`${name} ended with ${code ?? signal}: ${said}`));
    });
  });
}

/** SHA-256 of what is compared, by path. */
async function resultsOf(work: Work, folder: string): Promise<Record<string, string>> {
  const { content = (path: string) => readFileSync(path) } = work;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !isTemporary(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => work.compares?.(path) ?? true)
    .sort();
  const digests: Record<string, string> = {};
  for (const path of files) {
    const digest = createHash("sha256")
      .update(await content(path))
      .digest("hex");
    digests[relative(folder, path)] = digest;
  }
  return digests;
}
