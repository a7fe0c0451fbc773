/** `npm run bench:setup`: a Python environment with PyTorch and timm, for `tuning-fork bench`. */
import { join } from "node:path";
import { runLogged, STATE } from "../setup/step.mjs";
import { failWith } from "../setup.mjs";

const VENV = join(STATE, "bench");
const PACKAGES = ["torch==2.13.0", "numpy", "safetensors", "huggingface_hub", "pyyaml"];

try {
  const python = join(VENV, "bin", "python");
  console.log("• PyTorch and timm, for the comparison …");
  await runLogged("bench-venv", process.env.PYTHON || "python3", ["-m", "venv", VENV]);
  await runLogged("bench-torch", python, ["-m", "pip", "install", ...PACKAGES]);
  // timm asks for torchvision, which its models do not need.
  await runLogged("bench-timm", python, ["-m", "pip", "install", "--no-deps", "timm"]);
  console.log("  done");
} catch (error) {
  failWith(error);
}
