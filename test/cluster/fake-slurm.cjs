#!/usr/bin/env node
/**
 * Stands for `sbatch`, `squeue`, `scancel` and `scontrol` of Slurm 22.05, by the name that it is called by;
 * jobs are really run, at once, and are kept in the folder FAKE_SLURM.
 */
const { spawn } = require("node:child_process");
const { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } = require("node:fs");
const { basename, join } = require("node:path");

const folder = process.env.FAKE_SLURM;
const [, called, ...args] = process.argv;
const numbers = () => readdirSync(folder).filter((name) => /^\d+$/.test(name));
const read = (job, ending) => {
  const path = join(folder, `${job}${ending}`);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
};

function begin(command, env = {}) {
  const job = String(101 + numbers().length);
  const note = join(folder, `${job}.end`);
  // The shell notes how its job ended: 0:9 for one that signal 9 ended.
  const shell = `sh -c "$0"; c=$?; if [ $c -gt 128 ]; then echo 0:$((c - 128)); else echo $c:0; fi > "$1"`;
  const child = spawn("sh", ["-c", shell, command, note], {
    detached: true,
    stdio: "ignore",
    env: { ...process.env, ...env },
  });
  writeFileSync(join(folder, job), String(child.pid));
  child.unref();
  return job;
}

const verbs = {
  sbatch() {
    appendFileSync(join(folder, "sbatch.txt"), `${args.join(" ")}\n`);
    const wrapped = args.indexOf("--wrap");
    if (args.includes("--partition=none")) {
      console.error("sbatch: error: invalid partition specified: none");
      process.exit(1);
    }
    if (wrapped >= 0) return console.log(begin(args[wrapped + 1]));
    const script = args.at(-1);
    const last = Number(/^#SBATCH --array=0-(\d+)/m.exec(readFileSync(script, "utf8"))[1]);
    for (let task = 0; task <= last; task++) begin(`sh '${script}'`, { SLURM_ARRAY_TASK_ID: task });
    console.log("Submitted batch job 101");
  },
  squeue() {
    for (const job of numbers()) {
      const end = read(job, ".end");
      console.log(job, end === undefined ? "RUNNING" : end === "0:0" ? "COMPLETED" : "FAILED");
    }
  },
  scancel: () => process.kill(-Number(read(args.at(-1), "")), "SIGTERM"),
  scontrol: () => console.log(`JobId=${args.at(-1)} ExitCode=${read(args.at(-1), ".end") ?? "0:0"}`),
};
verbs[basename(called)]();
