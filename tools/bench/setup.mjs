/** `npm run bench:setup`: a Python environment with PyTorch and its models, for `tuning-fork bench`. */
import { cpus } from "node:os";
import { join } from "node:path";
import { failWith } from "../../lib/setup/set-up.mjs";
import { placesIn, runLogged } from "../../lib/setup/step.mjs";
import { ROOT } from "../repository.mjs";

const VENV = join(placesIn(ROOT).state, "bench");
const PACKAGES = ["torch==2.13.0", "numpy", "transformers", "pyyaml", "einops", "pillow", "h5py"];
// Beside PyTorch, as information; what `web_export.py` writes with; and AMD's own compiler, which goes with one
// version of PyTorch.
const OTHERS = ["openvino==2026.4.1", "onnx==1.23.2", "onnxscript==0.7.2"];
const AMD = ["zentorch==2.13.0.2"];
// They ask for torchvision, which no model needs.
const ALONE = ["timm", "linformer", "vit-pytorch"];

try {
  const python = join(VENV, "bin", "python");
  console.log("• PyTorch, for the comparison …");
  await runLogged(ROOT, "bench-venv", process.env.PYTHON || "python3", ["-m", "venv", VENV]);
  const others = /AMD/.test(cpus()[0]?.model ?? "") ? [...OTHERS, ...AMD] : OTHERS;
  await runLogged(ROOT, "bench-torch", python, ["-m", "pip", "install", ...PACKAGES, ...others]);
  await runLogged(ROOT, "bench-models", python, ["-m", "pip", "install", "--no-deps", ...ALONE]);
  console.log("  done");
} catch (error) {
  failWith(error);
}
