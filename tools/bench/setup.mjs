/** `npm run bench:setup`: a Python environment with PyTorch and its models, for `tuning-fork bench`. */
import { join } from "node:path";
import { runLogged, STATE } from "../setup/step.mjs";
import { failWith } from "../setup.mjs";

const VENV = join(STATE, "bench");
const PACKAGES = ["torch==2.13.0", "numpy", "transformers", "pyyaml", "einops", "pillow"];
// They ask for torchvision, which no model needs.
const ALONE = ["timm", "linformer", "vit-pytorch"];

try {
  const python = join(VENV, "bin", "python");
  console.log("• PyTorch, for the comparison …");
  await runLogged("bench-venv", process.env.PYTHON || "python3", ["-m", "venv", VENV]);
  await runLogged("bench-torch", python, ["-m", "pip", "install", ...PACKAGES]);
  await runLogged("bench-models", python, ["-m", "pip", "install", "--no-deps", ...ALONE]);
  console.log("  done");
} catch (error) {
  failWith(error);
}
