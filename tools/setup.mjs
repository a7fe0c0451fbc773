/**
 * Set-up: `npm run setup -- [--engine cpu|cuda|wasm] [--force]`, and part of `npm start` and `npm test`.
 *
 * Each step is done once, can be killed at any moment, and is done again when what it rests on changes.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { registerKernel } from "./kernel.mjs";
import { buildBinding } from "./setup/binding.mjs";
import { takeLock } from "./setup/lock.mjs";
import { installPackages } from "./setup/packages.mjs";
import { installBoosting, installPython } from "./setup/python.mjs";
import { ROOT, runLogged, STATE, StepError, writeWhole } from "./setup/step.mjs";
import { installTensorFlow, seesGpu } from "./setup/tensorflow.mjs";

const ENGINES = ["cuda", "cpu", "wasm"];
const NOTE = join(STATE, "engine.json");

/** @returns the engine asked for, else the one noted before, else the best this machine could have. */
function wantedEngine(asked) {
  if (asked !== undefined) {
    if (ENGINES.includes(asked)) return asked;
    throw new StepError(
      `--engine ${asked} is not one of ${ENGINES.join(", ")}`,
      "give one of the three",
    );
  }
  const noted = existsSync(NOTE) ? JSON.parse(readFileSync(NOTE, "utf8")).wanted : undefined;
  return noted ?? (seesGpu() ? "cuda" : "cpu");
}

/** Climb down the ladder until a rung holds, saying why each one above did not. */
async function installEngine(wanted, asked) {
  const note = (engine, reason) =>
    writeWhole(NOTE, `${JSON.stringify({ wanted, engine, reason }, null, 2)}\n`);
  if (wanted === "wasm") return note("wasm", "asked for");
  try {
    await installTensorFlow(wanted);
    await buildBinding();
    return note(wanted, "built against TensorFlow's own library");
  } catch (error) {
    if (!(error instanceof StepError) || asked !== undefined) throw error;
    console.error(
      `  ✗ the native engine could not be built: ${error.message}\n    → ${error.remedy}`,
    );
    console.error(
      "  ! Going on with WASM: all networks train on it, in float32, many times slower.",
    );
    // Wanted stays what it was, so that the next set-up tries the better rung again.
    return note("wasm", error.message.split("\n")[0]);
  }
}

/** Compile `lib`; TypeScript itself knows what changed. */
export async function buildLibrary() {
  await runLogged("build", process.execPath, [join(ROOT, "tools", "build.mjs")], {
    remedy: "the library does not compile; the lines above say where",
  });
}

/**
 * Bring the project from wherever it stands to ready.
 *
 * @param options `engine`: the rung asked for; `force`: do every step again
 */
export async function setUp({ engine, force = false } = {}) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new StepError(
      `this is Node ${process.versions.node}; 20.19 or newer is needed`,
      "install a current Node",
    );
  mkdirSync(STATE, { recursive: true });
  takeLock(join(STATE, "setup.lock"));
  endWithNpm();
  if (force) rmSync(join(STATE, "steps"), { recursive: true, force: true });
  await installPackages();
  await installPython();
  await installBoosting();
  await installEngine(wantedEngine(engine), engine);
  registerKernel();
  await buildLibrary();
}

/** `npm run setup` that is killed leaves this process behind: it ends too. */
function endWithNpm() {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(143);
  }, 500).unref();
}

/** Print a failed step as a person wants to read it and leave with 1. */
export function failWith(error) {
  if (error instanceof StepError) console.error(`\n✗ ${error.message}\n  → ${error.remedy}`);
  else if (String(error.code).startsWith("ERR_PARSE_ARGS"))
    console.error(`✗ ${error.message.split(". ")[0]}\n  → see environment.md`);
  else console.error(error);
  process.exit(1);
}

if (process.argv[1] === import.meta.filename) {
  try {
    const { values } = parseArgs({
      options: { engine: { type: "string" }, force: { type: "boolean" } },
    });
    await setUp(values);
    console.log("Set up.");
  } catch (error) {
    failWith(error);
  }
}
