/** Does a unit as `tuning-fork cluster unit FOLDER NAME` does, with calls that take no time. */
const { appendFileSync, existsSync, writeFileSync } = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");
const { PlanFolder } = require("../../lib/dist/cluster/plan-folder.js");
const { runUnit } = require("../../lib/dist/cluster/run-unit.js");
const { writeFileAtomic } = require("../../lib/dist/io/atomic.js");

const [, , path, name] = process.argv;

async function call([what, output, ...more]) {
  // Who worked on what, for the test to count.
  appendFileSync(`${path}/calls.txt`, `${name} ${process.pid}\n`);
  console.log(`${what} ${name}`);
  if (what === "fail") return 1;
  if (what === "full") writeFileSync("/dev/full", "no room");
  if (what === "die-once" && !existsSync(`${path}/${name}.died`)) {
    writeFileSync(`${path}/${name}.died`, "");
    process.kill(process.pid, "SIGKILL");
  }
  if (what === "slow") await sleep(Number(more[0]));
  writeFileAtomic(output, `id,value\n${name},1\n`);
  return 0;
}

runUnit(new PlanFolder(path), name, call).then(
  (code) => process.exit(code),
  (error) => {
    console.error(String(error));
    process.exit(1);
  },
);
