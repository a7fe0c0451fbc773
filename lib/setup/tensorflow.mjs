/**
 * TensorFlow's shared library and C headers, taken out of the official Python wheel.
 *
 * The library does not depend on Python: one wheel (CPython 3.12's) serves every machine.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PIP, venvBin } from "./python.mjs";
import { HERE, keyOf, placesIn, runLogged, StepError, step } from "./step.mjs";

/** Where the library and its headers lie in a project. */
export const tensorflowIn = (project) => join(placesIn(project).state, "tensorflow");
export const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
const WHEEL_PYTHON = "3.12";

/** Only what the binding includes; the wheel's other 290 MB of headers stay behind. */
const WANTED =
  /^tensorflow\/(libtensorflow_(cc|framework)\.so\.2|include\/(tensorflow\/c\/|tensorflow\/core\/platform\/ctstring|tsl\/platform\/ctstring|xla\/tsl\/c\/).*)$/;

const UNPACK = `
import re, sys, zipfile
wheel, to, wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    for name in z.namelist():
        if re.match(wanted, name):
            z.extract(name, to)
`;

const lockFile = (name) => join(HERE, "python", `${name}.lock`);

/** @returns whether the machine shows an NVIDIA GPU. */
export const seesGpu = () =>
  spawnSync("nvidia-smi", ["-L"], { encoding: "utf8" }).stdout?.includes("GPU 0") ?? false;

/** @returns TensorFlow's pinned version. */
export const tensorflowVersion = () =>
  /==([\d.]+)/.exec(readFileSync(lockFile("tensorflow"), "utf8"))[1];

/** @param engine "cpu" or "cuda" */
export function installTensorFlow(project, engine) {
  if (process.platform !== "linux")
    throw new StepError(
      `the native engine is built on Linux only, and this is ${process.platform}`,
      "use `npx tuning-fork setup --engine wasm` here, or a Linux machine or container",
    );
  const arch = { x64: "x86_64", arm64: "aarch64" }[process.arch];
  if (arch === undefined)
    throw new StepError(
      `TensorFlow has no wheel for ${process.arch}`,
      "use `npx tuning-fork setup --engine wasm`",
    );
  // Only x86-64 has the smaller wheel without CUDA code.
  const lock = engine === "cpu" && arch === "x86_64" ? "tensorflow-cpu" : "tensorflow";
  const size = {
    "tensorflow-cpu": "0.3 GB to fetch, 0.9 GB unpacked",
    tensorflow: engine === "cuda" ? "about 3 GB to fetch" : "0.3 GB to fetch",
  }[lock];
  const tensorflow = tensorflowIn(project);
  return step(project, `TensorFlow ${tensorflowVersion()} for ${engine} (${size})`, {
    name: "tensorflow",
    key: keyOf({ file: lockFile(lock) }, { file: lockFile("nvidia") }, engine, arch),
    stands: () => LIBRARIES.every((file) => existsSync(join(tensorflow, "lib", file))),
    run: async () => {
      const part = `${tensorflow}.part`;
      for (const folder of [tensorflow, part]) rmSync(folder, { recursive: true, force: true });
      mkdirSync(part, { recursive: true });
      const python = venvBin(project, "python");
      const platforms = [27, 28].flatMap((glibc) => ["--platform", `manylinux_2_${glibc}_${arch}`]);
      await runLogged(project, "tensorflow", python, [
        ...PIP,
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--require-hashes",
        "--only-binary=:all:",
        ...platforms,
        "--python-version",
        WHEEL_PYTHON,
        "--implementation",
        "cp",
        "--abi",
        `cp${WHEEL_PYTHON.replace(".", "")}`,
        "-r",
        lockFile(lock),
        "-d",
        part,
      ]);
      const wheel = readdirSync(part).find((file) => file.endsWith(".whl"));
      await runLogged(project, "unpack", python, [
        "-c",
        UNPACK,
        join(part, wheel),
        part,
        WANTED.source,
      ]);
      rmSync(join(part, wheel));
      mkdirSync(join(part, "lib"));
      for (const file of LIBRARIES)
        renameSync(join(part, "tensorflow", file), join(part, "lib", file));
      renameSync(join(part, "tensorflow", "include"), join(part, "include"));
      rmSync(join(part, "tensorflow"), { recursive: true });
      // The library looks for NVIDIA's beside its own folder: ../nvidia/*/lib.
      if (engine === "cuda")
        await runLogged(project, "nvidia", python, [
          ...PIP,
          "install",
          "--no-deps",
          "--require-hashes",
          "--only-binary=:all:",
          "-r",
          lockFile("nvidia"),
          "--target",
          part,
        ]);
      renameSync(part, tensorflow);
    },
  });
}
