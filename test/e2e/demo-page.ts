import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { makeGalaxy } from "#lib/data/simulator";
import { servePage } from "#lib/notebook/page-server";
import { findBrowser, openBrowser } from "#lib/plots/browser";
import { packed } from "#lib/plots/unpack-chromium";
import { temporaryFolder } from "../train/support";

export const ROOT = join(__dirname, "../..");

/** The page as the command serves it, and once more with models of the test's own. */
export interface Demo {
  /** Where the command serves it. */
  readonly address: string;
  /** Where it is served with the folders in `folder` as `model/NAME/`. */
  readonly models: string;
  readonly folder: string;
  /** What browsers complained of. */
  readonly said: readonly string[];
  /** Hosts that were asked for anything. */
  readonly hosts: ReadonlySet<string>;
  /** A page of a browser of its own, once a selector is there. */
  open(url: string, ready: string, width?: number): Promise<Page>;
  close(): Promise<void>;
}

/** @param graphics A browser with WebGL and WebGPU, both computed by the processor. Default: one without. */
export async function openDemo({ graphics = false } = {}): Promise<Demo> {
  const folder = temporaryFolder();
  const said: string[] = [];
  const hosts = new Set<string>();
  const command = spawn(
    process.execPath,
    [join(ROOT, "lib", "bin", "tuning-fork.js"), "demo", "--port", "0"],
    { stdio: ["ignore", "pipe", "inherit"], cwd: ROOT },
  );
  const [address, browser] = await Promise.all([
    addressOf(command),
    graphics ? openGraphicsBrowser(folder.path) : openBrowser(),
  ]);
  const served = await servePage(join(ROOT, "demo", "dist"), {
    folders: { model: folder.path },
    port: 0,
  });
  return {
    ...{ address, models: served.address, folder: folder.path, said, hosts },
    open: (url, ready, width = 1280) => open(browser, { url, ready, width, said, hosts }),
    async close() {
      const ended = new Promise((done) => command.once("exit", done));
      command.kill("SIGINT");
      assert.equal(await ended, 0);
      await Promise.all([served.close(), browser.close()]);
      folder.remove();
    },
  };
}

/** The browser beside the software drivers that come in the same npm package. */
async function openGraphicsBrowser(folder: string): Promise<Browser> {
  const { path, source, args } = await findBrowser();
  let executablePath = path;
  if (source === "npm") {
    const drivers = join(folder, "drivers");
    mkdirSync(drivers);
    const input = brotliDecompressSync(readFileSync(packed("swiftshader.tar.br")));
    assert.equal(spawnSync("tar", ["-x", "-C", drivers], { input }).status, 0);
    executablePath = join(drivers, "chromium");
    copyFileSync(path, executablePath);
  }
  const software = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
  const gpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
  return chromium.launch({ executablePath, args: [...args, ...software, ...gpu] });
}

function addressOf(command: ChildProcess): Promise<string> {
  return new Promise((found, lost) => {
    command.stdout?.on("data", (text) => {
      const at = /http:\S+/.exec(String(text));
      if (at) found(at[0]);
    });
    command.once("exit", (code) => lost(new Error(`demo ended with ${code}`)));
  });
}

async function open(
  browser: Browser,
  given: { url: string; ready: string; width: number; said: string[]; hosts: Set<string> },
): Promise<Page> {
  const { url, ready, width, said, hosts } = given;
  const context = await browser.newContext({ viewport: { width, height: 900 } });
  const page = await context.newPage();
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  page.on("console", (m) => m.type() === "error" && said.push(m.text()));
  page.on("pageerror", (error) => said.push(error.message));
  await page.goto(url);
  await page.waitForSelector(ready, { state: "attached", timeout: 15_000 });
  return page;
}

/** Pictures of the simulator as files. */
export async function galaxies(count: number, size: number) {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const { image } = makeGalaxy(3, i, size);
      const raw = { width: size, height: size, channels: 3 } as const;
      const buffer = await sharp(image, { raw }).png().toBuffer();
      return { name: `g${String(i).padStart(2, "0")}.png`, mimeType: "image/png", buffer };
    }),
  );
}
