import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { hostname, tmpdir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = resolve(__dirname, "..", "..");
const BOOSTING = ["xgboost/lib/libxgboost.so", "lightgbm/lib/lib_lightgbm.so"];

/** A copy of the repository's set-up in a folder of its own, with some steps done for it. */
class Copy {
  readonly path = mkdtempSync(join(tmpdir(), "zoë's tuning fork-"));

  constructor() {
    const files = ["package.json", "package-lock.json", "lib/package.json", "lib/setup", "tools"];
    for (const file of files) {
      cpSync(join(ROOT, file), join(this.path, file), { recursive: true });
    }
  }

  /** Note a step as done, as the step itself would. */
  stamp(name: string, key: string): void {
    const folder = join(this.path, ".tuning-fork", "steps");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), key);
  }

  /** The packages from which the native binding is made. */
  withSources(): this {
    const modules = join(this.path, "node_modules");
    for (const name of ["node-api-headers/package.json", "@tensorflow/tfjs-node-gpu/package.json"])
      cpSync(join(ROOT, "node_modules", name), join(modules, name));
    const binding = "@tensorflow/tfjs-node-gpu/binding";
    cpSync(join(ROOT, "node_modules", binding), join(modules, binding), { recursive: true });
    return this;
  }

  /** The key of a step whose result depends on these files and words. */
  keyOf(...parts: readonly (string | { readonly file: string })[]): string {
    const hash = createHash("sha256");
    for (const part of parts)
      hash.update(
        typeof part === "string"
          ? `${part}\0`
          : readFileSync(join(this.path, "lib", "setup", "python", part.file)),
      );
    return hash.digest("hex");
  }

  /** A program of this name that does what a shell script says. */
  program(name: string, script: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** A Python whose virtual environment is there at once, with empty files in it. */
  python(before = ""): string {
    const site = "$4/lib/python3.12/site-packages";
    const touched = BOOSTING.map(
      (file) => `mkdir -p "${site}/${dirname(file)}"; touch "${site}/${file}";`,
    );
    const made = `mkdir -p "$4/bin"; ${touched.join(" ")} for f in python jupyter-lab; do printf '#!/bin/sh\\n' > "$4/bin/$f"; chmod +x "$4/bin/$f"; done`;
    return this.program("py", `case "$1" in -c) echo 3 12;; *) ${before} ${made};; esac`);
  }

  /** Set the folder up, as `tuning-fork setup` does: without packages and compiling. */
  get setUp(): string[] {
    const script = `import { beginSetUp, failWith, setUp } from ${JSON.stringify(join(this.path, "lib/setup/set-up.mjs"))};
      const [engine] = process.argv.slice(1);
      try { beginSetUp(${JSON.stringify(this.path)}); await setUp(${JSON.stringify(this.path)}, { engine }); }
      catch (error) { failWith(error); }`;
    return ["--input-type=module", "-e", script];
  }

  run(args: readonly string[], env: Record<string, string> = {}) {
    const result = spawnSync(process.execPath, args, {
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
    return { code: result.status, output: result.stdout + result.stderr };
  }

  tool(name: string): string {
    return join(this.path, "tools", name);
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
    const none = copy.run(copy.setUp, { PYTHON: "/nowhere/python3" });
    assert.equal(none.code, 1);
    assert.match(none.output, /`\/nowhere\/python3` does not run\n {2}→ install Python 3\.10/);
    const old = copy.run(copy.setUp, { PYTHON: copy.program("py", "echo 3 8") });
    assert.match(old.output, /is Python 3\.8; 3\.10 or newer is needed/);
  });

  it("names Python's missing venv module", () => {
    const python = copy.program(
      "py",
      'case "$1" in -c) echo 3 12;; *) echo No module named venv >&2; exit 1;; esac',
    );
    const { code, output } = copy.run(copy.setUp, { PYTHON: python });
    assert.equal(code, 1);
    assert.match(output, /No module named venv/);
    assert.match(output, /apt install python3-venv/);
  });

  it("names a compiler that is not there", () => {
    copy.withSources();
    for (const name of ["python", "jupyter-lab"]) copy.program(join(".venv/bin", name), "exit 0");
    copy.stamp("python", copy.keyOf({ file: "jupyter.lock" }));
    const library = join(copy.path, ".tuning-fork", "tensorflow", "lib");
    mkdirSync(library, { recursive: true });
    for (const name of ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"]) {
      writeFileSync(join(library, name), "");
    }
    const arch = process.arch === "x64" ? "x86_64" : "aarch64";
    const lock = process.arch === "x64" ? "tensorflow-cpu" : "tensorflow";
    copy.stamp(
      "tensorflow",
      copy.keyOf({ file: `${lock}.lock` }, { file: "nvidia.lock" }, "cpu", arch),
    );
    const { code, output } = copy.run([...copy.setUp, "cpu"], { CC: "/nowhere/gcc" });
    assert.equal(code, 1);
    assert.match(output, /`\/nowhere\/gcc` is not there/);
    assert.match(output, /apt install g\+\+/);
    assert.ok(!existsSync(join(copy.path, ".tuning-fork", "engine.json")), "no engine is noted");
  });

  it("names a registry that does not answer", () => {
    const wanted = { name: "few", version: "1.0.0", dependencies: { zod: "4.6.7" } };
    const lock = {
      lockfileVersion: 3,
      packages: { "": wanted, "node_modules/zod": { version: "4.6.7" } },
    };
    writeFileSync(join(copy.path, "package.json"), JSON.stringify(wanted));
    writeFileSync(join(copy.path, "package-lock.json"), JSON.stringify(lock));
    const { code, output } = copy.run([copy.tool("setup.mjs")], {
      npm_config_registry: "http://127.0.0.1:9/",
      npm_config_cache: join(copy.path, "cache"),
      npm_config_fetch_retries: "0",
      npm_execpath: "",
    });
    assert.equal(code, 1);
    assert.match(output, /package registry could not be reached/);
    assert.match(output, /it goes on where it stopped/);
  });

  it("refuses an unknown engine, and a word that it does not know", () => {
    assert.match(copy.run([copy.tool("setup.mjs"), "--nope"]).output, /--nope/);
    const python = { PYTHON: copy.python() };
    assert.match(copy.run([...copy.setUp, "tpu"], python).output, /--engine tpu is not one of/);
  });

  it("lets the first of two at once end well, and tells the second who is at work", async () => {
    const env = { ...process.env, PYTHON: copy.python(`touch "${copy.path}/begun"; sleep 1;`) };
    const first = spawn(process.execPath, [...copy.setUp, "wasm"], { env, stdio: "ignore" });
    const ended = once(first, "exit");
    while (!existsSync(join(copy.path, "begun"))) await sleep(20);
    const second = copy.run([...copy.setUp, "wasm"]);
    assert.equal(second.code, 1);
    assert.match(second.output, new RegExp(`another set-up runs here \\(process ${first.pid}\\)`));
    assert.deepEqual(await ended, [0, null]);
    const note = JSON.parse(readFileSync(join(copy.path, ".tuning-fork/engine.json"), "utf8"));
    assert.equal(note.engine, "wasm");
    assert.ok(existsSync(join(copy.path, ".venv/share/jupyter/kernels/tslab/kernel.json")));
    assert.equal(copy.run([...copy.setUp, "wasm"]).output, "", "then there is nothing to do");
  });

  it("knows a lock's owner, or that it is gone", () => {
    mkdirSync(join(copy.path, ".tuning-fork"), { recursive: true });
    const held = (owner: object | string) => {
      const text = typeof owner === "string" ? owner : JSON.stringify({ ...mine, ...owner });
      writeFileSync(join(copy.path, ".tuning-fork", "setup.lock"), text);
      return copy.run(copy.setUp, { PYTHON: "/nowhere/python3" }).output;
    };
    const user = userInfo().username;
    const mine = { host: hostname(), pid: process.pid, user, started: "", token: "t" };
    assert.match(held({}), new RegExp(`another set-up runs here \\(process ${process.pid}\\)`));
    assert.match(held({ user: "anna" }), /of the user anna/);
    assert.match(held({ host: "node-17" }), /on the host node-17.*\n.*delete .*setup\.lock/);
    for (const gone of [{ pid: 999999999 }, { started: "long ago 1" }, "", "999999999"]) {
      assert.match(held(gone), /does not run/, "a lock whose owner is gone is taken over");
    }
    const left = readdirSync(join(copy.path, ".tuning-fork"));
    assert.deepEqual(
      left.filter((name) => name.startsWith("setup.lock")),
      [],
    );
  });

  it("says early that the disk is too small, and what a full one means", async () => {
    const { needDisk, runLogged } = await import("../../lib/setup/step.mjs");
    assert.throws(() => needDisk(copy.path, 1e18), /GB of disk are needed and [\d.]+ GB are free/);
    const full = ["-e", "console.error('write: No space left on device'); process.exit(1)"];
    await assert.rejects(
      runLogged(copy.path, "test-full", process.execPath, full),
      /the disk is full/,
    );
  });
});

describe("the packages", () => {
  it("are all held to a digest by the lock file", () => {
    const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
    const fetched = Object.entries<{ link?: true; integrity?: string; resolved?: string }>(
      lock.packages,
    ).filter(([path, { link }]) => path.includes("node_modules/") && !link);
    assert.ok(fetched.length > 300);
    const loose = fetched.filter(([, { integrity = "" }]) => !/^sha512-.{86}==$/.test(integrity));
    assert.deepEqual(
      loose.map(([path]) => path),
      [],
    );
    for (const [path, { resolved }] of fetched) {
      if (resolved !== undefined) assert.match(resolved, /^https:\/\/registry\.npmjs\.org\//, path);
    }
    const python = readdirSync(join(ROOT, "lib", "setup", "python")).filter((name) =>
      /lock$/.test(name),
    );
    for (const name of python) {
      const text = readFileSync(join(ROOT, "lib", "setup", "python", name), "utf8");
      const packages = text.match(/^[\w.-]+==/gm) ?? [];
      const held = text.match(/^[\w.-]+==[^\n]*\\\n\s+--hash=sha256:/gm) ?? [];
      assert.ok(packages.length > 0 && packages.length === held.length, name);
    }
  });
});

describe("a set-up that ends early", () => {
  it("takes the programs along that it has started, however it ends", async () => {
    const copy = new Copy();
    for (const signal of ["SIGKILL", "SIGTERM", "SIGINT"] as const) {
      // As npm does, the program of the step starts another one, which would go on by itself.
      const npm = copy.program("npm", `sleep 60 & echo $! > "${copy.path}/pid"; wait`);
      const child = spawn(process.execPath, [copy.tool("setup.mjs")], {
        stdio: "ignore",
        env: { ...process.env, PATH: `${copy.path}:${process.env.PATH}`, npm_execpath: "" },
      });
      const file = join(copy.path, "pid");
      while (!existsSync(file) || readFileSync(file, "utf8") === "") await sleep(20);
      const pid = Number(readFileSync(file, "utf8"));
      assert.ok(isAlive(pid), npm);
      child.kill(signal);
      for (const end = Date.now() + 5000; isAlive(pid) && Date.now() < end; ) await sleep(20);
      assert.ok(!isAlive(pid), `after ${signal} nothing is left`);
      rmSync(file);
    }
    copy.remove();
  });
});

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and is not waited for yet counts as gone.
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

describe("a project whose folder was moved", () => {
  const copies = [new Copy(), new Copy()];
  after(() => {
    for (const copy of copies) copy.remove();
  });

  it("has programs that know where it is now, spaces and all", () => {
    const [copy, next] = copies;
    const venv = join(copy.path, ".venv");
    mkdirSync(join(venv, "bin"), { recursive: true });
    const old = "/home/anna/galaxies/.venv";
    const python = spawnSync("sh", ["-c", "command -v python3"], {
      encoding: "utf8",
    }).stdout.trim();
    symlinkSync(python, join(venv, "bin", "python"));
    const write = (name: string, text: string) => {
      mkdirSync(dirname(join(venv, name)), { recursive: true });
      writeFileSync(join(venv, name), text, { mode: 0o755 });
    };
    write("bin/jupyter-lab", `#!${old}/bin/python\nprint("lab")\n`);
    write("bin/pip", `#!${old}/bin/python3.11\nprint("pip")\n`);
    write("bin/activate", `VIRTUAL_ENV="${old}"\n`);
    write("pyvenv.cfg", `home = /usr/bin\ncommand = /usr/bin/python3 -m venv ${old}\n`);
    const spec = "share/jupyter/kernels/python3/kernel.json";
    write(spec, JSON.stringify({ argv: [`${old}/bin/python`, "-m", "ipykernel"] }));
    for (const library of BOOSTING) write(`lib/python3.11/site-packages/${library}`, "");
    const check = (now: Copy, before: string) => {
      now.stamp("python", now.keyOf({ file: "jupyter.lock" }));
      now.stamp("boosting", now.keyOf({ file: "boosting.lock" }));
      const { code, output } = now.run([...now.setUp, "wasm"], { PYTHON: "/nowhere" });
      assert.equal(code, 0, output);
      const found = spawnSync(join(now.path, ".venv/bin/jupyter-lab"), { encoding: "utf8" });
      assert.equal(found.stdout, "lab\n");
      for (const name of ["bin/pip", "bin/activate", "pyvenv.cfg", spec]) {
        const text = readFileSync(join(now.path, ".venv", name), "utf8");
        assert.ok(text.includes(now.path) && !text.includes(before), name);
      }
    };
    check(copy, old);
    renameSync(venv, join(next.path, ".venv"));
    check(next, copy.path);
  });
});

describe("a step of the set-up", () => {
  it("is done again after a kill, and only then", () => {
    const copy = new Copy();
    const script = join(copy.path, "steps.mjs");
    writeFileSync(
      script,
      `import { step } from "./lib/setup/step.mjs";
       const [key, die] = process.argv.slice(2);
       const done = await step(import.meta.dirname, "a step", { name: "s", key, stands: () => true, run: async () => {
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
    const { code, output } = copy.run([copy.tool("start.mjs"), "--port", String(address.port)], {
      CI: "",
    });
    assert.equal(code, 1);
    assert.match(output, new RegExp(`port ${address.port} is taken`));
    assert.match(
      copy.run([copy.tool("start.mjs"), "--port", "abc"], { CI: "" }).output,
      /is not a port/,
    );
    copy.remove();
    server.close();
  });
});
