import { existsSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { BoosterLibrary } from "../boost/booster-library";
import { boosterLibraries } from "../boost/registry";
import { UserError } from "../core/errors";
import { type EngineInfo, startEngine } from "../engine/start";
import { projectFolder, stateFolder } from "../io/paths";
import { findBrowser } from "../plots/browser";
import { defineVerb, say } from "./verb";

/** One thing that was looked at. */
interface Check {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do about it; empty where nothing is to be done. */
  readonly remedy: string;
}

const SET_UP = "run `npx tuning-fork setup`";

const ok = (name: string, detail: string): Check => ({ name, status: "ok", detail, remedy: "" });

/** Turn what a look throws into a failed check. */
async function look(name: string, check: () => Promise<Check> | Check): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    const [detail, remedy] =
      error instanceof UserError ? [error.problem, error.remedy] : [String(error), SET_UP];
    return { name, status: "fail", detail, remedy };
  }
}

function nodeCheck(): Check {
  const [major] = process.versions.node.split(".").map(Number);
  const detail = `Node ${process.versions.node}`;
  if (major >= 20) return ok("node", detail);
  return { name: "node", status: "fail", detail, remedy: "install Node 20.19 or newer" };
}

/** What set-up noted of the engine, and whether it is the one that was wanted. */
function ladderCheck(info: EngineInfo): Check {
  const note = JSON.parse(readFileSync(stateFolder("engine.json"), "utf8"));
  const slow = info.name === "wasm" ? "; all networks train, in float32, many times slower" : "";
  const detail = `${info.name}: ${info.version} on ${info.device}${slow}`;
  if (note.wanted === info.name || process.env.TUNING_FORK_ENGINE) return ok("engine", detail);
  return {
    name: "engine",
    status: "warn",
    detail: `${detail}, although ${note.wanted} was wanted: ${note.reason}`,
    remedy: "mend that, then `npx tuning-fork setup --force`",
  };
}

/** One engine in the process: danfo.js, where it is installed, must not bring a second one. */
function sharedEngineCheck(info: EngineInfo): Check {
  try {
    require.resolve("danfojs-node");
  } catch {
    return ok("danfo.js", "not installed, and not needed");
  }
  if (info.name === "wasm") return ok("danfo.js", "uses tfjs without the native engine");
  const { tensorflow } = require("danfojs-node");
  if (tensorflow === require("@tensorflow/tfjs-node-gpu"))
    return ok("danfo.js", "shares the engine");
  return {
    name: "danfo.js",
    status: "fail",
    detail: "danfojs-node brings a second TensorFlow",
    remedy: "run `npm ci --ignore-scripts`, then `npx tuning-fork setup`",
  };
}

async function kernelCheck(): Promise<Check> {
  const { checkKernel } = await import("#setup/kernel.mjs");
  const { problem } = checkKernel(projectFolder());
  if (problem === undefined) return ok("kernel", "TypeScript (tslab), registered in .venv");
  return { name: "kernel", status: "fail", detail: problem, remedy: SET_UP };
}

function jupyterCheck(): Check {
  const path = join(projectFolder(), ".venv", "bin", "jupyter-lab");
  if (existsSync(path)) return ok("jupyterlab", "installed in .venv");
  return { name: "jupyterlab", status: "fail", detail: `${path} is not there`, remedy: SET_UP };
}

async function browserCheck(): Promise<Check> {
  const { path } = await findBrowser();
  return ok("browser", path);
}

/** Whoever boosts no trees does without. */
function boostingCheck({ name, title, version }: BoosterLibrary): Check {
  try {
    return ok(name, `${title} ${version()}, called in .venv without Python`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { name, status: "warn", detail: error.problem, remedy: error.remedy };
  }
}

function diskCheck(): Check {
  const { bavail, bsize } = statfsSync(projectFolder());
  const free = (bavail * bsize) / 1e9;
  const detail = `${free.toFixed(1)} GB free`;
  if (free >= 2) return ok("disk", detail);
  return { name: "disk", status: "warn", detail, remedy: "free space: runs and data need it" };
}

export const verb = defineVerb({
  summary: "What stands and what does not, and how to mend it",
  options: {
    json: {
      type: "flag",
      help: "For programs: {engine, checks: [{name, status, detail, remedy}]}.",
    },
  },
  async run({ json }) {
    let engine: EngineInfo | undefined;
    const engineCheck = await look("engine", async () => {
      engine = await startEngine();
      return ladderCheck(engine);
    });
    const info = engine;
    const checks = [
      await look("node", nodeCheck),
      engineCheck,
      ...(info?.processor === undefined ? [] : [ok("processor", info.processor)]),
      ...(info === undefined ? [] : [await look("danfo.js", () => sharedEngineCheck(info))]),
      await look("kernel", kernelCheck),
      await look("jupyterlab", jupyterCheck),
      await look("browser", browserCheck),
      ...boosterLibraries.map(boostingCheck),
      await look("disk", diskCheck),
    ];
    if (json) say(JSON.stringify({ engine: engine ?? null, checks }, null, 2));
    else say(checks.map(line).join("\n"));
    return checks.some(({ status }) => status === "fail") ? 1 : 0;
  },
});

function line({ name, status, detail, remedy }: Check): string {
  const mark = { ok: "✓", warn: "!", fail: "✗" }[status];
  return `${mark} ${name.padEnd(11)} ${detail}${remedy === "" ? "" : `\n              → ${remedy}`}`;
}
