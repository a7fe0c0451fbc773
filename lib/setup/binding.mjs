/**
 * The native binding of tfjs-node-gpu, compiled against the library of the TensorFlow wheel.
 *
 * A few C++ files and Node's stable C interface (N-API 8), so one compiler call does it, and the
 * result serves every Node version.
 */
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { HERE, inPackage, keyOf, placesIn, runLogged, StepError, step } from "./step.mjs";
import { LIBRARIES, tensorflowIn } from "./tensorflow.mjs";

/** Read before the sources: what the binding does otherwise than its authors wrote it. */
const CHANGES = ["copied-tensors.h", "session-config.h"].map((file) => join(HERE, "native", file));
const HEADERS = join(HERE, "native", "headers");
/** Kernels of our own, and what they share. */
const KERNELS = [
  "attention.cc",
  "attention-gradient.cc",
  "batch-norm.cc",
  "cosine-attention.cc",
  "filter-gradient.cc",
  "full-attention.cc",
  "full-attention-gradient.cc",
  "gate.cc",
  "layer-norm.cc",
  "linear.cc",
  "silu.cc",
  "winograd.cc",
  "winograd-gradient.cc",
].map((file) => join(HERE, "native", file));
const SHARED = [
  "attention-head-gradient.h",
  "attention-head.h",
  "batch-norm-rows.h",
  "full-heads.h",
  "heads.h",
  "kept.h",
  "op-tensors.h",
  "register-op.h",
  "team.h",
  "tiles.h",
  "unit-vectors.h",
  "winograd.h",
].map((file) => join(HERE, "native", file));
const QUIET = join(HERE, "native", "quiet.c");

/** Compile sources into a Node addon: beside it first, so that a kill leaves no half of it. */
async function compile(project, log, addon, compiler, args) {
  const headers = inPackage("node-api-headers", "include");
  const fixed = ["-shared", "-fPIC", "-O2", "-DNAPI_VERSION=8", `-I${headers}`];
  await runLogged(project, log, compiler, [...fixed, ...args, "-o", `${addon}.part`], {
    remedy:
      "a C and C++17 compiler is needed: on Debian and Ubuntu `apt install g++`, on Fedora `dnf install gcc-c++`; CC and CXX name others",
  });
  renameSync(`${addon}.part`, addon);
}

/** Compile the binding and see that it loads. */
export function buildBinding(project) {
  const { state } = placesIn(project);
  const tensorflow = tensorflowIn(project);
  const quiet = join(state, "quiet.node");
  const folder = inPackage("@tensorflow/tfjs-node-gpu");
  const sources = ["tfjs_backend.cc", "tfjs_binding.cc"].map((file) =>
    join(folder, "binding", file),
  );
  const binding = join(folder, "lib", "napi-v8", "tfjs_binding.node");
  const deps = join(folder, "deps");
  return step(project, "native engine (compiles sixteen small files)", {
    name: "binding",
    key: keyOf(
      ...[...sources, ...CHANGES, ...KERNELS, ...SHARED, QUIET].map((file) => ({ file })),
      { file: join(state, "steps", "tensorflow") },
      { file: inPackage("node-api-headers", "package.json") },
    ),
    stands: () =>
      existsSync(binding) &&
      existsSync(quiet) &&
      LIBRARIES.every((file) => existsSync(join(deps, "lib", file))),
    run: async () => {
      // `deps` leads to the library's folder and so to NVIDIA's beside it.
      rmSync(deps, { recursive: true, force: true });
      // Relative, so that a project's folder can be moved.
      symlinkSync(relative(realpathSync(folder), realpathSync(tensorflow)), deps);
      mkdirSync(join(folder, "lib", "napi-v8"), { recursive: true });
      await compile(project, "quiet", quiet, process.env.CC || "gcc", [QUIET]);
      await compile(project, "binding", binding, process.env.CXX || "g++", [
        "-std=c++17",
        `-I${folder}`,
        `-I${join(tensorflow, "include")}`,
        `-I${HEADERS}`,
        ...CHANGES.flatMap((file) => ["-include", file]),
        ...sources,
        ...KERNELS,
        ...LIBRARIES.map((file) => join(deps, "lib", file)),
        "-Wl,-rpath,$ORIGIN/../../deps/lib",
      ]);
      const tried = await runLogged(project, "binding-test", process.execPath, [
        "-e",
        `require(${JSON.stringify(binding)}); console.log("loads")`,
      ]);
      if (!tried.includes("loads"))
        throw new StepError("the compiled binding does not load", "see the log");
    },
  });
}
