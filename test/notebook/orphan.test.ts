import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { temporaryFolder } from "../train/support";

const KERNEL = resolve(__dirname, "..", "..", "lib", "dist", "kernel", "start-kernel.js");

const lives = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a kernel whose Jupyter is gone", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("ends by itself, and not before", async () => {
    const file = join(folder.path, "connection.json");
    const ports = ["shell", "iopub", "stdin", "control", "hb"].map((name, i) => [
      `${name}_port`,
      i,
    ]);
    const how = {
      transport: "ipc",
      ip: join(folder.path, "socket"),
      key: "",
      signature_scheme: "hmac-sha256",
    };
    writeFileSync(file, JSON.stringify({ ...how, ...Object.fromEntries(ports) }));
    // Stands for Jupyter: it starts the kernel and says its number.
    const jupyter = spawn(
      "sh",
      ["-c", `"$0" "$1" "$2" & echo $!; wait`, process.execPath, KERNEL, file],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const [said] = await once(jupyter.stdout, "data");
    const pid = Number(String(said));
    for (let i = 0; i < 600 && !existsSync(join(folder.path, "socket-0")); i++) await wait(100);
    await wait(1500);
    assert.ok(lives(pid), "it waits for requests");
    jupyter.kill("SIGKILL");
    for (let i = 0; i < 100 && lives(pid); i++) await wait(100);
    assert.ok(!lives(pid));
  });
});
