/**
 * Set-up of a folder in which a person works: Python side, engine, kernel.
 *
 * Plain JavaScript on Node alone: in a clone it runs before there is a compiler. Each step is done once, can
 * be killed at any moment, and is done again when what it rests on changes.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildBinding } from "./binding.mjs";
import { registerKernel, registerKernelForUser } from "./kernel.mjs";
import { takeLock } from "./lock.mjs";
import { installBoosting, installPython } from "./python.mjs";
import { placesIn, StepError, writeWhole } from "./step.mjs";
import { installTensorFlow, seesGpu } from "./tensorflow.mjs";

const ENGINES = ["cuda", "cpu", "wasm"];
const noteIn = (project) => join(placesIn(project).state, "engine.json");

/** @returns the engine asked for, else the one noted before, else the best this machine could have. */
function wantedEngine(project, asked) {
  if (asked !== undefined) {
    if (ENGINES.includes(asked)) return asked;
    throw new StepError(
      `--engine ${asked} is not one of ${ENGINES.join(", ")}`,
      "give one of the three",
    );
  }
  const note = noteIn(project);
  const noted = existsSync(note) ? JSON.parse(readFileSync(note, "utf8")).wanted : undefined;
  return noted ?? (seesGpu() ? "cuda" : "cpu");
}

/** Climb down the ladder until a rung holds, saying why each one above did not. */
async function installEngine(project, wanted, asked) {
  const note = (engine, reason) =>
    writeWhole(noteIn(project), `${JSON.stringify({ wanted, engine, reason }, null, 2)}\n`);
  if (wanted === "wasm") return note("wasm", "asked for");
  try {
    await installTensorFlow(project, wanted);
    await buildBinding(project);
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

/**
 * Make ready to set up: nobody else may do so in this folder until this process ends.
 *
 * @param options `force`: do every step again
 * @throws StepError where another set-up is at work, or Node is too old
 */
export function beginSetUp(project, { force = false } = {}) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new StepError(
      `this is Node ${process.versions.node}; 20.19 or newer is needed`,
      "install a current Node",
    );
  const { state } = placesIn(project);
  mkdirSync(state, { recursive: true });
  takeLock(join(state, "setup.lock"));
  endWithNpm();
  if (force) rmSync(join(state, "steps"), { recursive: true, force: true });
}

/**
 * Bring a folder from wherever it stands to ready.
 *
 * @param options `engine`: the rung asked for; `kernelUser`: offer the kernel to every Jupyter of this user
 */
export async function setUp(project, { engine, kernelUser = false } = {}) {
  await installPython(project);
  await installBoosting(project);
  await installEngine(project, wantedEngine(project, engine), engine);
  registerKernel(project);
  if (kernelUser)
    console.log(`• kernel for every Jupyter of this user: ${registerKernelForUser()}`);
}

/** A set-up whose npm was killed ends too. */
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
