"""Cold start, completion and memory of the TypeScript kernel beside ipykernel's, as lines of Markdown.

    .venv/bin/python tools/bench/kernel.py [ROUNDS]
"""

import pathlib
import statistics
import sys
import time

from jupyter_client.manager import start_new_kernel

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = {
    "tslab": ("6 * 7", "Math.sq", 'import { showTable } from "tuning-fork"; 0', "showTab"),
    "python3": ("6 * 7", "str.is", "import json, pathlib; 0", "pathl"),
}


def memory_mb(pid):
    """Resident memory of a process now."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(name):
    first, member, imports, word = KERNELS[name]
    started = time.perf_counter()
    manager, client = start_new_kernel(kernel_name=name, cwd=str(ROOT / "notebooks"))
    try:
        client.execute(first, reply=True, timeout=60)
        cold = time.perf_counter() - started
        asked = lambda code: seconds(lambda: client.complete(code, len(code), reply=True, timeout=60))
        first_completion = asked(member)
        completion = statistics.median(asked(member) for _ in range(10))
        idle = memory_mb(manager.provisioner.pid)
        imported = seconds(lambda: client.execute(imports, reply=True, timeout=60))
        of_import = statistics.median(asked(word) for _ in range(5))
        return cold, first_completion, completion, imported, of_import, idle
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print("| kernel | start to first result, s | first completion, s | completion, ms | import, s | completion of it, ms | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in KERNELS:
        measure(name)  # files come from the disk once
        cold, first, again, imported, word, memory = (
            statistics.median(values) for values in zip(*(measure(name) for _ in range(rounds)))
        )
        print(f"| {name} | {cold:.2f} | {first:.2f} | {1000 * again:.0f} | {imported:.2f} | {1000 * word:.0f} | {memory:.0f} |", flush=True)


main()
