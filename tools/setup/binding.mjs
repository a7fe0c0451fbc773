/**
 * The native binding of tfjs-node-gpu, compiled against the library of the TensorFlow wheel.
 *
 * Two C++ files and Node's stable C interface (N-API 8), so one compiler call does it, and the
 * result serves every Node version.
 */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { keyOf, ROOT, runLogged, STATE, StepError, step } from "./step.mjs";
import { LIBRARIES, TENSORFLOW } from "./tensorflow.mjs";

const PACKAGE = join(ROOT, "node_modules", "@tensorflow", "tfjs-node-gpu");
const BINDING = join(PACKAGE, "lib", "napi-v8", "tfjs_binding.node");
const SOURCES = ["tfjs_backend.cc", "tfjs_binding.cc"].map((file) =>
  join(PACKAGE, "binding", file),
);

const COPIED_TENSORS = join(ROOT, "tools", "setup", "copied-tensors.h");
const QUIET = { source: join(ROOT, "tools", "setup", "quiet.c"), addon: join(STATE, "quiet.node") };

/** Compile sources into a Node addon: beside it first, so that a kill leaves no half of it. */
async function compile(log, addon, compiler, args) {
  const headers = join(ROOT, "node_modules", "node-api-headers", "include");
  const fixed = ["-shared", "-fPIC", "-O2", "-DNAPI_VERSION=8", `-I${headers}`];
  await runLogged(log, compiler, [...fixed, ...args, "-o", `${addon}.part`], {
    remedy:
      "a C and C++17 compiler is needed: on Debian and Ubuntu `apt install g++`, on Fedora `dnf install gcc-c++`; CC and CXX name others",
  });
  renameSync(`${addon}.part`, addon);
}

/** Compile the binding and see that it loads. */
export function buildBinding() {
  return step("native engine (compiles three small files)", {
    name: "binding",
    key: keyOf(
      ...[...SOURCES, COPIED_TENSORS, QUIET.source].map((file) => ({ file })),
      { file: join(STATE, "steps", "tensorflow") },
      { file: join(STATE, "steps", "packages") },
    ),
    stands: () =>
      existsSync(BINDING) &&
      existsSync(QUIET.addon) &&
      LIBRARIES.every((file) => existsSync(join(PACKAGE, "deps", "lib", file))),
    run: async () => {
      // `deps` leads to the library's folder and so to NVIDIA's beside it.
      rmSync(join(PACKAGE, "deps"), { recursive: true, force: true });
      // Relative, so that a project's folder can be moved.
      symlinkSync(relative(PACKAGE, TENSORFLOW), join(PACKAGE, "deps"));
      mkdirSync(join(PACKAGE, "lib", "napi-v8"), { recursive: true });
      await compile("quiet", QUIET.addon, process.env.CC || "gcc", [QUIET.source]);
      await compile("binding", BINDING, process.env.CXX || "g++", [
        "-std=c++17",
        `-I${PACKAGE}`,
        `-I${join(TENSORFLOW, "include")}`,
        ...["-include", COPIED_TENSORS],
        ...SOURCES,
        ...LIBRARIES.map((file) => join(PACKAGE, "deps", "lib", file)),
        "-Wl,-rpath,$ORIGIN/../../deps/lib",
      ]);
      const tried = await runLogged("binding-test", process.execPath, [
        "-e",
        `require(${JSON.stringify(BINDING)}); console.log("loads")`,
      ]);
      if (!tried.includes("loads"))
        throw new StepError("the compiled binding does not load", "see the log");
    },
  });
}
