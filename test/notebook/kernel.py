"""Talk to a real kernel for a test: cells in, what they did out, both as JSON.

Standard input: {"cwd", "cells": [{"code", "interruptAfter"?, "interrupts"?}]}. `interruptAfter` is a
text; when the cell has printed it, the kernel is interrupted, `interrupts` times (default 1).
Standard output: [{"status", "stdout", "stderr", "displays": [{"update", "id", "data"}], "result", "error"}].
"""

import json
import queue
import subprocess
import sys
import time

from jupyter_client.manager import start_new_kernel

CELL_SECONDS = 150


def run(manager, client, cell):
    result = {"status": "timeout", "stdout": "", "stderr": "", "displays": [], "result": None, "error": None}
    message = client.execute(cell["code"])
    wanted = cell.get("interruptAfter")
    deadline = time.monotonic() + CELL_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if answer["parent_header"].get("msg_id") != message:
            continue
        content = answer["content"]
        if answer["msg_type"] == "stream":
            result[content["name"]] += content["text"]
        elif answer["msg_type"] in ("display_data", "update_display_data"):
            slot = (content.get("transient") or {}).get("display_id")
            update = answer["msg_type"] == "update_display_data"
            result["displays"].append({"update": update, "id": slot, "data": content["data"]})
        elif answer["msg_type"] == "execute_result":
            result["result"] = content["data"]
        elif answer["msg_type"] == "error":
            result["error"] = content
        elif answer["msg_type"] == "status" and content["execution_state"] == "idle":
            break
        if wanted and wanted in result["stdout"]:
            wanted = None
            for _ in range(cell.get("interrupts", 1)):
                manager.interrupt_kernel()
                time.sleep(0.3)
    while result["status"] == "timeout" and time.monotonic() < deadline:
        reply = client.get_shell_msg(timeout=10)
        if reply["parent_header"].get("msg_id") == message:
            result["status"] = reply["content"]["status"]
    return result


def main():
    task = json.load(sys.stdin)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager, client = start_new_kernel(kernel_name="tslab", cwd=task["cwd"], **quiet)
    try:
        json.dump([run(manager, client, cell) for cell in task["cells"]], sys.stdout)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


main()
