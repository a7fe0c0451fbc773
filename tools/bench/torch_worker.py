"""PyTorch's side of `tuning-fork bench`: one model in one mode, timed round by round on request.

Arguments: MODEL infer|train PRECISION BATCH DEVICE FORM. Says `ready`, then answers each line
on standard input with the seconds that a round of STEPS took, where the line is the number of steps.

With `--forms infer|train PRECISION DEVICE [quick]`: prints as JSON the forms that exist there,
PyTorch's own and, as information, other programs that run its models. Whoever compares takes the fastest of the
first. `quick` leaves out those that are compiled, each of which takes up to a minute to start.

All of them: channels-last for convolutional networks; one fused AdamW step with the loss read, as ours does.
"""

import importlib.util
import json
import pathlib
import sys
import time

INFER, TRAIN = "infer", "train"
# What a form's name says: through torch.compile; with weights as constants; all numbers in bfloat16
# instead of autocast; AMD's compiler.
PYTORCH = {
    "eager": {INFER, TRAIN},
    "compiled": {INFER, TRAIN},
    "compiled frozen": {INFER},
    "bfloat16": {INFER},
    "bfloat16 compiled frozen": {INFER},
    "zentorch": {INFER},
}
OTHERS = {"openvino": {INFER}}
# Seconds of a first step.
SLOW = 3
NOT_COMPILED = {"eager", "bfloat16"}


def forms(mode, precision, device, speed=""):
    def there(name, modes):
        if mode not in modes or ("bfloat16" in name and precision != "mixed_bfloat16"):
            return False
        if speed == "quick" and name not in NOT_COMPILED:
            return False
        # OpenVINO has no products in bfloat16 between numbers in float32.
        if name == "openvino" and precision == "bfloat16_products":
            return False
        if name in ("zentorch", "openvino"):
            return device == "cpu" and importlib.util.find_spec(name) is not None
        return True

    return {
        "pytorch": [name for name, modes in PYTORCH.items() if there(name, modes)],
        "others": [name for name, modes in OTHERS.items() if there(name, modes)],
    }


def build(name, batch, device, form):
    import torch

    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fixtures"))
    import torch_models

    torch.manual_seed(0)
    model, size, _ = torch_models.build(name, 10)
    model.to(device)
    x = torch.randn(batch, 3, size, size, device=device)
    y = torch.randint(0, 10, (batch,), device=device)
    if any(isinstance(m, torch.nn.Conv2d) and m.kernel_size[0] < 8 for m in model.modules()):
        model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    if "bfloat16" in form:
        model.to(torch.bfloat16)
        x = x.to(torch.bfloat16)

    def logits(images):
        return torch_models.logits(model, images)

    return model, logits, x, y


def step_of(name, mode, precision, batch, device, form):
    import torch

    model, logits, x, y = build(name, batch, device, form)
    half = torch.autocast(device, torch.bfloat16, enabled=precision == "mixed_bfloat16" and "bfloat16" not in form)
    if precision == "bfloat16_products":
        torch.backends.mkldnn.matmul.fp32_precision = "bf16"
        torch.backends.mkldnn.conv.fp32_precision = "bf16"
    if form == "openvino":
        return openvino_step(model.eval(), logits, x, precision)
    if "frozen" in form:
        import torch._inductor.config

        torch._inductor.config.freezing = True
    if form == "zentorch":
        import zentorch  # noqa: F401  It registers itself as a back end.
    if "compiled" in form or form == "zentorch":
        logits = torch.compile(logits, backend="zentorch" if form == "zentorch" else "inductor")

    if mode == TRAIN:
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05, fused=True)

        def step():
            with half:
                loss = torch.nn.functional.cross_entropy(logits(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss.item()

    else:
        model.eval()

        def step():
            # Weights are constants to the compiler where no gradient is asked for.
            with torch.no_grad(), half:
                return logits(x).float().sum().item()

    return step


def openvino_step(model, logits, x, precision):
    import openvino
    import torch

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, images):
            return logits(images)

    core = openvino.Core()
    network = openvino.convert_model(Logits().eval(), example_input=x)
    hint = "f32" if precision == "float32" else "bf16"
    compiled = core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": hint})
    images = x.contiguous().numpy()
    return lambda: float(compiled(images)[0].sum())


def main():
    if sys.argv[1] == "--forms":
        print(json.dumps(forms(*sys.argv[2:6])))
        return
    name, mode, precision, batch, device, form = sys.argv[1:7]
    step = step_of(name, mode, precision, int(batch), device, form)
    # Where a step takes seconds, one is enough to warm up.
    start = time.perf_counter()
    for _ in range(3):
        step()
        if time.perf_counter() - start > SLOW:
            break
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - start, flush=True)


main()
