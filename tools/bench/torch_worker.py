"""PyTorch's side of `tuning-fork bench`: one model in one mode, timed round by round on request.

Arguments: MODEL infer|train float32|mixed_bfloat16 BATCH DEVICE. Says `ready`, then answers each line
on standard input with the seconds that a round of STEPS took, where the line is the number of steps.

PyTorch's best honest mode: channels-last for convolutional networks, autocast for bfloat16, one
AdamW step with the loss read, as ours does. Needs torch and timm; timm's models need torchvision only for
data transforms, so without torchvision an empty stand-in is put in its place.
"""

import importlib.machinery
import importlib.util
import sys
import time
import types

import torch


class _Anything(types.ModuleType):
    """A module whose every attribute is another such thing: enough to be imported from."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "InterpolationMode":
            import enum

            names = ("NEAREST", "BILINEAR", "BICUBIC", "BOX", "HAMMING", "LANCZOS", "NEAREST_EXACT")
            return enum.Enum(name, {n: n.lower() for n in names})
        return type(name, (), {"__init__": lambda self, *args, **kwargs: None})


class _Finder:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return _Anything(spec.name)

    def exec_module(self, module):
        module.__path__ = []
        module.__version__ = "0.0"


def convolution(inside, outside, stride):
    return [
        torch.nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
        torch.nn.BatchNorm2d(outside),
    ]


class Block(torch.nn.Module):
    def __init__(self, inside, outside):
        super().__init__()
        self.body = torch.nn.Sequential(
            *convolution(inside, outside, 2), torch.nn.ReLU(True), *convolution(outside, outside, 1)
        )
        self.pool = torch.nn.AvgPool2d(2, ceil_mode=True)
        self.shortcut = torch.nn.Sequential(
            torch.nn.Conv2d(inside, outside, 1, bias=False), torch.nn.BatchNorm2d(outside)
        )

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(self.pool(x)))


def custom_cnn(classes):
    """The network of lib/models/custom-cnn.ts."""
    relu = torch.nn.ReLU
    widths = [32, 64, 128, 256]
    stem = [*convolution(3, 32, 2), relu(True), *convolution(32, 32, 1), relu(True)]
    blocks = [Block(a, b) for a, b in zip(widths, widths[1:])]
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(256, classes)]
    return torch.nn.Sequential(*stem, *blocks, *head)


def build(name, classes):
    if name == "custom_cnn":
        return custom_cnn(classes), 96
    if importlib.util.find_spec("torchvision") is None:
        sys.meta_path.insert(0, _Finder())
    import timm

    model = timm.create_model(name, pretrained=False, num_classes=classes)
    return model, model.pretrained_cfg["input_size"][-1]


def main():
    name, mode, precision, batch, device = sys.argv[1:6]
    batch = int(batch)
    torch.manual_seed(0)
    model, size = build(name, 10)
    model.to(device)
    x = torch.randn(batch, 3, size, size, device=device)
    y = torch.randint(0, 10, (batch,), device=device)
    if any(isinstance(m, torch.nn.Conv2d) and m.kernel_size[0] < 8 for m in model.modules()):
        model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    half = torch.autocast(device, torch.bfloat16, enabled=precision != "float32")

    if mode == "train":
        model.train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)

        def step():
            with half:
                loss = torch.nn.functional.cross_entropy(model(x), y)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            return loss.item()

    else:
        model.eval()

        def step():
            with torch.inference_mode(), half:
                return model(x).float().sum().item()

    for _ in range(3):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - start, flush=True)


main()
