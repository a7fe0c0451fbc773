import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findBrowser } from "#lib/plots/browser";
import { privateFolder } from "#lib/plots/unpack-chromium";

const isRoot = process.getuid?.() === 0;

describe("the browser that draws", function () {
  this.timeout(120_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "browser-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const mine = () => join(folder, `browser-${process.getuid?.()}`);

  it("stands in a folder of its own that is closed to others", async () => {
    assert.equal(await privateFolder(folder), mine());
    assert.equal(lstatSync(mine()).mode & 0o777, 0o700);
    chmodSync(mine(), 0o777);
    assert.equal(await privateFolder(folder), mine());
    assert.equal(lstatSync(mine()).mode & 0o777, 0o700, "an open one is closed");
  });

  it("is not taken from a folder that somebody else made, or that a link leads to", async function () {
    mkdirSync(join(folder, "elsewhere"));
    symlinkSync(join(folder, "elsewhere"), mine());
    const other = await privateFolder(folder);
    assert.ok(other.startsWith(tmpdir()) && !other.startsWith(folder), other);
    assert.equal(lstatSync(other).mode & 0o777, 0o700);
    rmSync(mine());
    if (!isRoot) this.skip();
    spawnSync("install", ["-d", "-o", "65534", "-m", "777", mine()]);
    assert.notEqual(await privateFolder(folder), mine());
  });

  it("is never the program that somebody has put into the temporary folder", function () {
    if (process.platform !== "linux" || process.arch !== "x64") this.skip();
    // Its own temporary folder, with a trap of the name that the npm package would take.
    const trap = join(folder, "chromium");
    const sprung = join(folder, "sprung");
    writeFileSync(trap, `#!/bin/sh\ntouch ${sprung}\n`);
    chmodSync(trap, 0o755);
    const script = `require(${JSON.stringify(require.resolve("#lib/plots/browser"))})
      .openBrowser().then((b) => { console.log(b.version()); return b.close(); })`;
    const env = { ...process.env, TMPDIR: folder, PATH: "/usr/bin:/bin", TUNING_FORK_BROWSER: "" };
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], {
      encoding: "utf8",
      env,
    });
    assert.match(stdout, /^\d+\./, stderr);
    assert.ok(!existsSync(sprung));
  });

  it("draws for a second user too, who may not write into the project", async function () {
    if (!isRoot || (await findBrowser()).source !== "npm") this.skip();
    chmodSync(folder, 0o777);
    const script = `
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      require(${JSON.stringify(require.resolve("#lib/plots/browser"))})
        .openBrowser().then((b) => { console.log(b.version()); return b.close(); })`;
    const env = { ...process.env, TMPDIR: folder, HOME: folder, TUNING_FORK_BROWSER: "" };
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], {
      encoding: "utf8",
      env,
    });
    assert.match(stdout, /^\d+\./, stderr);
    const left = readdirSync(folder).filter((name) => name.startsWith("tuning-fork-browser-"));
    assert.deepEqual(left, [], "what was unpacked for one time is gone");
  });

  it("is unpacked again where its content is not the known one", async function () {
    if ((await findBrowser()).source !== "npm") this.skip();
    // A project of its own: other tests draw with the browser of this one.
    mkdirSync(join(folder, ".tuning-fork"));
    const script = `
      const { findBrowser } = require(${JSON.stringify(require.resolve("#lib/plots/browser"))});
      const { statSync, writeFileSync } = require("node:fs");
      (async () => {
        const { path } = await findBrowser();
        writeFileSync(path, "#!/bin/sh\\necho another program\\n");
        await findBrowser();
        console.log(path, statSync(path).size);
      })();`;
    const env = { ...process.env, TUNING_FORK_BROWSER: "" };
    const options = { encoding: "utf8", env, cwd: folder } as const;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], options);
    const [path, size] = stdout.split(" ");
    assert.equal(
      path,
      join(folder, ".tuning-fork", `browser-${process.getuid?.()}`, "chromium"),
      stderr,
    );
    assert.ok(Number(size) > 100e6);
  });
});
