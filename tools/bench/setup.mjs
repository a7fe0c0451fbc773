/** `npm run bench:setup`: a Python environment with PyTorch and its models, for `tuning-fork bench`. */
import { cpus } from "node:os";
import { join } from "node:path";
import { runLogged, STATE } from "../setup/step.mjs";
import { failWith } from "../setup.mjs";

const VENV = join(STATE, "bench");
const PACKAGES = ["torch==2.13.0", "numpy", "transformers", "pyyaml", "einops", "pillow"];
// Beside PyTorch, as information; and AMD's own compiler, which goes with one version of PyTorch.
const OTHERS = ["openvino==2026.4.1"];
const AMD = ["zentorch==2.13.0.2"];
// They ask for torchvision, which no model needs.
const ALONE = ["timm", "linformer", "vit-pytorch"];

try {
  const python = join(VENV, "bin", "python");
  console.log("• PyTorch, for the comparison …");
  await runLogged("bench-venv", process.env.PYTHON || "python3", ["-m", "venv", VENV]);
  const others = /AMD/.test(cpus()[0]?.model ?? "") ? [...OTHERS, ...AMD] : OTHERS;
  await runLogged("bench-torch", python, ["-m", "pip", "install", ...PACKAGES, ...others]);
  await runLogged("bench-models", python, ["-m", "pip", "install", "--no-deps", ...ALONE]);
  console.log("  done");
} catch (error) {
  failWith(error);
}
