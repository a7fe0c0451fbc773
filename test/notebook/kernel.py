"""Talk to a real kernel for a test, a line of JSON in and a line out for each request.

The first line: {"cwd"}. Then cells, {"code", "interruptAfter"?, "interrupts"?, "terminateAfter"?}: when
the cell has printed the text of `interruptAfter`, the kernel is interrupted, `interrupts` times (default
1); after that of `terminateAfter` it gets SIGTERM. `answers` are given to what the cell asks, one after the
other; without them it is told that nobody answers. Answer: {"status", "stdout", "stderr", "displays":
[{"update", "id", "data"}], "result", "error", "asked", "late"}; `asked` is what the cell asked, `late` is what earlier cells said meanwhile.
Or questions, {"ask": "inspect" | "complete" | "is_complete", "code", "cursor"}: the reply's content.
Or {"comm": TARGET}: a comm is opened; what came through comms so far, after half a second.
"""

import json
import queue
import signal
import subprocess
import sys
import time

from jupyter_client.manager import start_new_kernel

CELL_SECONDS = 150


def run(manager, client, cell):
    result = {"status": "timeout", "stdout": "", "stderr": "", "displays": [], "result": None, "error": None, "asked": [], "late": ""}
    answers = cell.get("answers")
    message = client.execute(cell["code"], allow_stdin=answers is not None)
    wanted = cell.get("interruptAfter", cell.get("terminateAfter"))
    deadline = time.monotonic() + CELL_SECONDS
    while time.monotonic() < deadline:
        if answers is not None and client.stdin_channel.msg_ready():
            result["asked"].append(client.get_stdin_msg()["content"]["prompt"])
            if answers:
                client.input(answers.pop(0))
        try:
            answer = client.get_iopub_msg(timeout=1 if answers is None else 0.1)
        except queue.Empty:
            if not manager.is_alive():
                return {**result, "status": "dead"}
            continue
        content = answer["content"]
        if answer["parent_header"].get("msg_id") != message:
            result["late"] += content.get("text", "")
            continue
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
            if "terminateAfter" in cell:
                manager.signal_kernel(signal.SIGTERM)
                continue
            for _ in range(cell.get("interrupts", 1)):
                manager.interrupt_kernel()
                time.sleep(0.3)
    while result["status"] == "timeout" and time.monotonic() < deadline:
        reply = client.get_shell_msg(timeout=10)
        if reply["parent_header"].get("msg_id") == message:
            result["status"] = reply["content"]["status"]
    return result


def ask(client, question):
    kind = getattr(client, question["ask"])
    where = () if question["ask"] == "is_complete" else (question["cursor"],)
    return kind(question["code"], *where, reply=True, timeout=CELL_SECONDS)["content"]


def comm(client, target):
    content = {"comm_id": target + str(time.monotonic()), "target_name": target, "data": {}}
    client.shell_channel.send(client.session.msg("comm_open", content))
    found = []
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        try:
            answer = client.get_iopub_msg(timeout=0.1)
        except queue.Empty:
            continue
        if answer["msg_type"].startswith("comm"):
            found.append({"type": answer["msg_type"], **answer["content"]})
    return found


def main():
    task = json.loads(sys.stdin.readline())
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager, client = start_new_kernel(kernel_name="tslab", cwd=task["cwd"], **quiet)
    try:
        for line in sys.stdin:
            request = json.loads(line)
            if "ask" in request:
                answer = ask(client, request)
            elif "comm" in request:
                answer = comm(client, request["comm"])
            else:
                answer = run(manager, client, request)
            print(json.dumps(answer), flush=True)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


main()
