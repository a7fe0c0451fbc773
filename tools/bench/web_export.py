"""A network of PyTorch's with random weights as ONNX and as safetensors, for `tools/bench/web.mjs`.

    web_export.py NAME FOLDER

Run by the Python that `npm run bench:setup` makes, `.tuning-fork/bench/bin/python`.
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fixtures"))
import torch_models

name, folder = sys.argv[1:]
torch.manual_seed(7)
model, size, _ = torch_models.build(name, 10)
model.eval()
weights = {key: value.contiguous() for key, value in model.state_dict().items()}
save_file(weights, f"{folder}/{name}.safetensors")
# With its weights inside: a browser fetches one file.
images = torch.zeros(1, 3, size, size)
torch.onnx.export(model, (images,), f"{folder}/{name}.onnx", input_names=["x"], output_names=["y"], external_data=False)
