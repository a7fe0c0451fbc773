import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..", "..");

/** A copy of the project's set-up in a folder of its own, with some steps done for it. */
class Copy {
  readonly path = mkdtempSync(join(tmpdir(), "tuning-fork-setup-"));

  constructor() {
    for (const file of ["tools", "package.json", "package-lock.json", "lib/package.json"]) {
      cpSync(join(ROOT, file), join(this.path, file), { recursive: true });
    }
  }

  /** Note a step as done, as the step itself would. */
  stamp(name: string, key: string): void {
    const folder = join(this.path, ".tuning-fork", "steps");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), key);
  }

  /** As if `npm ci` had been done: the packages are the project's own. */
  withPackages(): this {
    mkdirSync(join(this.path, "node_modules", "@tensorflow"), { recursive: true });
    writeFileSync(join(this.path, "node_modules", ".package-lock.json"), "{}");
    for (const name of ["node-api-headers", "typescript"]) {
      symlinkSync(join(ROOT, "node_modules", name), join(this.path, "node_modules", name));
    }
    cpSync(
      join(ROOT, "node_modules/@tensorflow/tfjs-node-gpu/binding"),
      join(this.path, "node_modules/@tensorflow/tfjs-node-gpu/binding"),
      { recursive: true },
    );
    const key = this.evaluate("keyOf({ file: join(ROOT, 'package-lock.json') }, process.arch)");
    this.stamp("packages", key);
    return this;
  }

  /** The value of an expression over the copy's step.mjs. */
  evaluate(expression: string): string {
    const script = `import { join } from "node:path"; import { keyOf, ROOT } from ${JSON.stringify(join(this.path, "tools/setup/step.mjs"))}; process.stdout.write(${expression});`;
    return spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })
      .stdout;
  }

  /** A program of this name that does what a shell script says. */
  program(name: string, script: string): string {
    const path = join(this.path, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  run(tool: string, args: readonly string[] = [], env: Record<string, string> = {}) {
    const result = spawnSync(process.execPath, [join(this.path, "tools", tool), ...args], {
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
    return { code: result.status, output: result.stdout + result.stderr };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

describe("set-up, when something is missing", () => {
  let copy: Copy;
  beforeEach(() => {
    copy = new Copy();
  });
  afterEach(() => copy.remove());

  it("names a Python that is not there, or too old", () => {
    copy.withPackages();
    const none = copy.run("setup.mjs", [], { PYTHON: "/nowhere/python3" });
    assert.equal(none.code, 1);
    assert.match(none.output, /`\/nowhere\/python3` does not run\n {2}→ install Python 3\.10/);
    const old = copy.run("setup.mjs", [], { PYTHON: copy.program("py", "echo 3 8") });
    assert.match(old.output, /is Python 3\.8; 3\.10 or newer is needed/);
  });

  it("names Python's missing venv module", () => {
    copy.withPackages();
    const python = copy.program(
      "py",
      'case "$1" in -c) echo 3 12;; *) echo No module named venv >&2; exit 1;; esac',
    );
    const { code, output } = copy.run("setup.mjs", [], { PYTHON: python });
    assert.equal(code, 1);
    assert.match(output, /No module named venv/);
    assert.match(output, /apt install python3-venv/);
  });

  it("names a compiler that is not there", () => {
    copy.withPackages();
    mkdirSync(join(copy.path, ".venv", "bin"), { recursive: true });
    for (const name of ["python", "jupyter-lab"]) copy.program(join(".venv/bin", name), "exit 0");
    copy.stamp("python", copy.evaluate("keyOf({ file: join(ROOT, 'tools/python/jupyter.lock') })"));
    const library = join(copy.path, ".tuning-fork", "tensorflow", "lib");
    mkdirSync(library, { recursive: true });
    for (const name of ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"]) {
      writeFileSync(join(library, name), "");
    }
    const arch = process.arch === "x64" ? "x86_64" : "aarch64";
    const lock = process.arch === "x64" ? "tensorflow-cpu" : "tensorflow";
    copy.stamp(
      "tensorflow",
      copy.evaluate(
        `keyOf({ file: join(ROOT, 'tools/python/${lock}.lock') }, { file: join(ROOT, 'tools/python/nvidia.lock') }, 'cpu', '${arch}')`,
      ),
    );
    const { code, output } = copy.run("setup.mjs", ["--engine", "cpu"], { CC: "/nowhere/gcc" });
    assert.equal(code, 1);
    assert.match(output, /`\/nowhere\/gcc` is not there/);
    assert.match(output, /apt install g\+\+/);
    assert.ok(!existsSync(join(copy.path, ".tuning-fork", "engine.json")), "no engine is noted");
  });

  it("names a registry that does not answer", () => {
    const { code, output } = copy.run("setup.mjs", [], {
      npm_config_registry: "http://127.0.0.1:9/",
      npm_config_cache: join(copy.path, "cache"),
      npm_config_fetch_retries: "0",
      npm_execpath: "",
    });
    assert.equal(code, 1);
    assert.match(output, /package registry could not be reached/);
    assert.match(output, /it goes on where it stopped/);
  });

  it("refuses an unknown engine and a second set-up at once", () => {
    copy.withPackages();
    const other = spawnSync(process.execPath, [join(copy.path, "tools/setup.mjs"), "--nope"], {
      encoding: "utf8",
    });
    assert.equal(other.status, 1);
    mkdirSync(join(copy.path, ".tuning-fork"), { recursive: true });
    writeFileSync(join(copy.path, ".tuning-fork", "setup.lock"), String(process.pid));
    assert.match(copy.run("setup.mjs").output, /another set-up runs here/);
    writeFileSync(join(copy.path, ".tuning-fork", "setup.lock"), "999999999");
    const { output } = copy.run("setup.mjs", [], { PYTHON: "/nowhere/python3" });
    assert.match(output, /does not run/, "a lock whose owner is gone is taken over");
  });

  it("says early that the disk is too small, and what a full one means", async () => {
    const { needDisk, runLogged } = await import("../../tools/setup/step.mjs");
    assert.throws(() => needDisk(1e18), /GB of disk are needed and [\d.]+ GB are free/);
    const full = ["-e", "console.error('write: No space left on device'); process.exit(1)"];
    await assert.rejects(runLogged("test-full", process.execPath, full), /the disk is full/);
  });
});

describe("a step of the set-up", () => {
  it("is done again after a kill, and only then", () => {
    const copy = new Copy();
    const script = join(copy.path, "steps.mjs");
    writeFileSync(
      script,
      `import { step } from "./tools/setup/step.mjs";
       const [key, die] = process.argv.slice(2);
       const done = await step("a step", { name: "s", key, stands: () => true, run: async () => {
         if (die) process.kill(process.pid, "SIGKILL");
       } });
       console.log(done ? "DONE" : "STOOD");`,
    );
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [script, ...args], { encoding: "utf8" }).stdout;
    assert.match(run("one"), /DONE/);
    assert.match(run("one"), /STOOD/);
    assert.doesNotMatch(run("two", "die"), /DONE|STOOD/);
    assert.match(run("one"), /DONE/, "the old stamp is gone as well");
    assert.match(run("one"), /STOOD/);
    assert.equal(readFileSync(join(copy.path, ".tuning-fork/steps/s"), "utf8"), "one");
    copy.remove();
  });
});

describe("npm start", () => {
  it("names a port that is taken, before it sets anything up", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const copy = new Copy();
    const { code, output } = copy.run("start.mjs", ["--port", String(address.port)], { CI: "" });
    assert.equal(code, 1);
    assert.match(output, new RegExp(`port ${address.port} is taken`));
    assert.match(copy.run("start.mjs", ["--port", "abc"], { CI: "" }).output, /is not a port/);
    copy.remove();
    server.close();
  });
});
