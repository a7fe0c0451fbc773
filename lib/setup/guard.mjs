/**
 * `node guard.mjs COMMAND …`: run a program of a step, and end it, with whatever it has started, when the set-up
 * above is gone, however it ended: its end of our standard input closes then.
 *
 * It must be started as the leader of a process group (`detached`).
 */
import { spawn } from "node:child_process";

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });

function endAll() {
  // Handled here, so that this process outlives the first signal and can send the second.
  process.on("SIGTERM", () => {});
  process.kill(-process.pid, "SIGTERM");
  setTimeout(() => process.kill(-process.pid, "SIGKILL"), 2000);
}

process.stdin.resume().once("close", endAll);
child.once("error", (error) => {
  console.error(`${command}: ${error.code}`);
  process.exit(error.code === "ENOENT" ? 127 : 126);
});
child.once("exit", (code, signal) => process.exit(signal === null ? code : 1));
