"""PyTorch's side of `tuning-fork bench`: one model in one mode, timed round by round on request.

Arguments: MODEL infer|train float32|mixed_bfloat16 BATCH DEVICE. Says `ready`, then answers each line
on standard input with the seconds that a round of STEPS took, where the line is the number of steps.

PyTorch's best honest mode: channels-last for convolutional networks, autocast for bfloat16, one
AdamW step with the loss read, as ours does.
"""

import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fixtures"))
import torch_models  # noqa: E402


def main():
    name, mode, precision, batch, device = sys.argv[1:6]
    batch = int(batch)
    torch.manual_seed(0)
    model, size, _ = torch_models.build(name, 10)
    model.to(device)
    x = torch.randn(batch, 3, size, size, device=device)
    y = torch.randint(0, 10, (batch,), device=device)
    if any(isinstance(m, torch.nn.Conv2d) and m.kernel_size[0] < 8 for m in model.modules()):
        model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    half = torch.autocast(device, torch.bfloat16, enabled=precision != "float32")

    if mode == "train":
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)

        def step():
            with half:
                loss = torch.nn.functional.cross_entropy(torch_models.logits(model, x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss.item()

    else:
        model.eval()

        def step():
            with torch.inference_mode(), half:
                return torch_models.logits(model, x).float().sum().item()

    for _ in range(3):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - start, flush=True)


main()
