import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import util from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../../core/errors";
import { stateFolder } from "../../io/paths";
import { registerNativeEngine } from "../native";
import type { EngineInfo, EngineName } from "../start";
import { registerWasmKernels } from "../wasm/registry";
import { nativeBackend } from "./binding";
import { tensorflow } from "./native-engine";
import { describeProcessor, makeForGpu, processor } from "./processor";

/** Start the engine that {@link chosenEngine} names. */
export async function startChosenEngine(): Promise<EngineInfo> {
  const name = chosenEngine();
  return name === "wasm" ? startWasm() : startNative(name);
}

/**
 * @returns the rung named by the environment, else the one set-up noted.
 * @throws UserError when neither names one.
 */
export function chosenEngine(): EngineName {
  const named = process.env.TUNING_FORK_ENGINE;
  if (named !== undefined && named !== "") {
    if (isEngineName(named)) return named;
    throw new UserError(
      `TUNING_FORK_ENGINE is "${named}"; expected cuda, cpu or wasm`,
      "unset it, or give one of the three names",
    );
  }
  const note = stateFolder("engine.json");
  if (!existsSync(note)) {
    throw new UserError(
      "no engine is set up here",
      "run `npx tuning-fork setup` in your project's folder",
    );
  }
  try {
    const { engine } = JSON.parse(readFileSync(note, "utf8"));
    if (isEngineName(engine)) return engine;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw new UserError(`${note} is damaged`, "run `npx tuning-fork setup --force`");
}

function isEngineName(name: unknown): name is EngineName {
  return name === "cuda" || name === "cpu" || name === "wasm";
}

function startNative(name: "cuda" | "cpu"): EngineInfo {
  // TensorFlow's C++ start-up remarks are not for the person at the notebook.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  // TensorFlow leaves oneDNN off on processors without AVX-512; grouped convolutions need it everywhere.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= "1";
  if (name === "cuda") makeForGpu();
  // A graph that asks for threads of its own gets them.
  if (processor().parts > 1) process.env.TF_OVERRIDE_GLOBAL_THREADPOOL ??= "1";
  if (name === "cuda") {
    process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
    // Products of float32 are float32's, not of numbers rounded to ten bits.
    process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  } else process.env.CUDA_VISIBLE_DEVICES ??= "-1";
  bridgeNodeUtil();
  try {
    quietly(() => require("@tensorflow/tfjs-node-gpu"));
  } catch (cause) {
    throw new UserError(
      `the native engine "${name}" does not load: ${cause instanceof Error ? cause.message.split("\n")[0] : cause}`,
      "run `npx tuning-fork setup --force`, or choose the slow engine with TUNING_FORK_ENGINE=wasm",
      { cause },
    );
  }
  const backend = nativeBackend();
  if (name === "cuda" && !backend.isUsingGpuDevice) {
    throw new UserError(
      "the engine cuda was asked for, and TensorFlow sees no NVIDIA GPU",
      "check `nvidia-smi`, or run `npx tuning-fork setup --engine cpu`",
    );
  }
  fillRegisters(backend.binding.TF_Version);
  registerNativeEngine(tensorflow(backend.isUsingGpuDevice));
  return {
    name,
    device: backend.isUsingGpuDevice ? gpuName() : `CPU, ${process.arch}`,
    version: `TensorFlow ${backend.binding.TF_Version}`,
    processor: backend.isUsingGpuDevice ? undefined : describeProcessor(processor()),
    precisions: ["float32", "mixed_bfloat16", "bfloat16_products"],
  };
}

/** The first GPU's name, as the driver gives it. */
function gpuName(): string {
  const asked = ["--query-gpu=name", "--format=csv,noheader"];
  const { stdout } = spawnSync("nvidia-smi", asked, { encoding: "utf8" });
  return stdout?.split("\n")[0].trim() || "NVIDIA GPU";
}

/**
 * Have XLA use registers of 512 bits where there are some; it fills half of them otherwise. It looks when
 * it compiles its first kernel, and ends the process where its version does not know a flag.
 */
function fillRegisters(version: string): void {
  if (process.arch === "x64" && version.startsWith("2.21.")) {
    process.env.XLA_FLAGS ??= "--xla_cpu_prefer_vector_width=512";
  }
}

async function startWasm(): Promise<EngineInfo> {
  require("@tensorflow/tfjs");
  require("@tensorflow/tfjs-backend-wasm");
  registerWasmKernels();
  if (!(await tf.setBackend("wasm"))) {
    throw new UserError("the WASM engine does not start", "check that Node is 20 or newer");
  }
  console.warn(
    "tuning-fork: the WASM engine runs. Every network trains and answers on it, in float32, many times slower.",
  );
  return {
    name: "wasm",
    device: "CPU through WebAssembly",
    version: `tfjs ${tf.version_core}`,
    precisions: ["float32"],
  };
}

/** Load without the lines that TensorFlow's library writes to the terminal whatever one sets. */
function quietly(load: () => void): void {
  const addon = stateFolder("quiet.node");
  if (existsSync(addon)) require(addon).quietly(load);
  else load();
}

/** Node 23 took away two functions that tfjs-node 4.22 calls; this puts them back. */
function bridgeNodeUtil(): void {
  const missing: Record<string, (value: unknown) => boolean> = {
    isNullOrUndefined: (value) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  const target = util as unknown as Record<string, unknown>;
  for (const [name, test] of Object.entries(missing)) target[name] ??= test;
}
