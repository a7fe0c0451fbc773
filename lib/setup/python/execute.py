"""Run a notebook without a browser and say how it goes, cell by cell.

    python execute.py NOTEBOOK --to EXECUTED_COPY [--parameters JSON] [--timeout SECONDS]

The notebook itself is never written. Exit code 0: every cell ran; 1: a cell failed, or the kernel
died; 2: the notebook cannot be read; 130: interrupted.
"""

import argparse
import asyncio
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

TTY = sys.stdout.isatty()
PLOTLY = "application/vnd.plotly.v1+json"
LOG_EVERY = 10.0  # seconds between progress lines where they cannot be rewritten


class Screen:
    """Ordinary lines, and one line of progress that is rewritten in place on a terminal."""

    def __init__(self):
        self.pending = ""
        self.logged = 0.0
        self.mid_line = False

    def text(self, text):
        if self.pending and TTY:
            sys.stdout.write("\r\x1b[K")
        self.pending = ""
        sys.stdout.write(text)
        sys.stdout.flush()
        self.mid_line = not text.endswith("\n")

    def line(self, text):
        self.flush()
        self.text(("\n" if self.mid_line else "") + text + "\n")

    def progress(self, text):
        self.pending = text
        if TTY:
            width = os.get_terminal_size().columns - 1
            sys.stdout.write("\r" + ("    " + text)[:width] + "\x1b[K")
        elif time.monotonic() - self.logged > LOG_EVERY:
            sys.stdout.write("    " + text + "\n")
            self.logged = time.monotonic()
            self.pending = ""
        sys.stdout.flush()

    def flush(self):
        """Keep the last progress line for good."""
        if self.pending:
            text, self.pending = self.pending, ""
            sys.stdout.write(("\r" if TTY else "") + "    " + text + ("\x1b[K" if TTY else "") + "\n")
            sys.stdout.flush()


class ShowingClient(NotebookClient):
    """A notebook client that passes on what the cells say while they run."""

    def __init__(self, nb, screen, **options):
        super().__init__(nb, **options)
        self.screen = screen
        self.slots = set()

    def process_message(self, msg, cell, cell_index):
        kind, content = msg["msg_type"], msg["content"]
        if kind == "stream":
            self.screen.flush()
            self.screen.text(re.sub(r"(?m)^(?=.)", "    ", content["text"]))
        elif kind in ("display_data", "update_display_data", "execute_result"):
            text = content["data"].get("text/plain", "")
            slot = (content.get("transient") or {}).get("display_id")
            if slot and PLOTLY not in content["data"]:
                if slot not in self.slots:
                    self.screen.flush()
                    self.slots.add(slot)
                self.screen.progress(text)
            elif text and kind != "update_display_data":
                self.screen.line(re.sub(r"(?m)^(?=.)", "    ", text))
        return super().process_message(msg, cell, cell_index)


def titles(notebook):
    """What to call each cell: the heading it stands under and its first line of code."""
    heading, names = "", {}
    for index, cell in enumerate(notebook.cells):
        lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
        if cell.cell_type == "markdown":
            heading = next((line.lstrip("# ") for line in lines if line.startswith("#")), heading)
        else:
            code = next((line for line in lines if not line.startswith(("import ", "//"))), "")
            names[index] = " · ".join(part for part in (heading, code[:60]) if part)
    return names


def set_parameters(notebook, values):
    """Lay values over the cell tagged `parameters`, in a cell of their own, as papermill does."""
    if not values:
        return
    # `let`: a constant's type would be its one value.
    lines = [f"let {name} = {json.dumps(value, ensure_ascii=False)};" for name, value in values.items()]
    cell = nbformat.v4.new_code_cell("\n".join(["// Parameters", *lines]))
    cell.metadata["tags"] = ["injected-parameters"]
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    notebook.cells.insert(1 + next(i for i, names in enumerate(tags) if "parameters" in names), cell)


def last_error(cell):
    """What the failed cell's traceback says."""
    return "\n".join("\n".join(o.traceback) for o in cell.outputs if o.output_type == "error").strip()


async def run(path, target, timeout, parameters):
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:
        print(f"{path}: not a readable notebook ({error})", file=sys.stderr)
        return 2
    set_parameters(notebook, parameters)
    code_cells = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    screen = Screen()
    names = titles(notebook)
    started = {}

    def on_execute(cell, cell_index):
        started[cell_index] = time.monotonic()
        screen.line(f"[{code_cells.index(cell_index) + 1}/{len(code_cells)}] {names[cell_index]}")

    def on_executed(cell, cell_index, execute_reply):
        screen.flush()
        seconds = time.monotonic() - started[cell_index]
        if seconds >= 1 and execute_reply["content"]["status"] == "ok":
            screen.line(f"    {seconds:.1f} s")

    client = ShowingClient(
        notebook,
        screen,
        timeout=timeout,
        kernel_name=notebook.metadata.get("kernelspec", {}).get("name", "tslab"),
        resources={"metadata": {"path": str(path.parent)}},
        shutdown_kernel="graceful",
        on_cell_execute=on_execute,
        on_cell_executed=on_executed,
    )

    failure = None
    # What the kernel's process itself writes is for a post-mortem only.
    native = tempfile.TemporaryFile()
    task = asyncio.ensure_future(client.async_execute(stdout=native, stderr=native))
    interrupted = asyncio.Event()
    watcher = asyncio.ensure_future(watch_signals(client, task, interrupted))
    try:
        await task
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        failure = error
    except asyncio.CancelledError:
        pass
    finally:
        watcher.cancel()
        screen.flush()
    nbformat.write(notebook, target)
    if interrupted.is_set():
        screen.line("interrupted")
        return 130
    if failure is None:
        return 0
    index = max(started) if started else code_cells[0]
    cell = notebook.cells[index]
    number = code_cells.index(index) + 1
    why = last_error(cell) or " ".join(str(failure).split()) or type(failure).__name__
    if isinstance(failure, CellTimeoutError):
        why = f"it took longer than the {timeout} s allowed"
    if isinstance(failure, DeadKernelError):
        native.seek(max(0, native.seek(0, os.SEEK_END) - 2000))
        why = "the kernel's process died; its last words:\n" + native.read().decode(errors="replace")
    print(f"\n{path.name}: cell {number} of {len(code_cells)} failed: {names[index]}\n{why}", file=sys.stderr)
    return 1


async def watch_signals(client, task, interrupted):
    """Ctrl-C: interrupt the cell as the stop button does; then stop, with the kernel shut down."""
    arrived = asyncio.Event()

    def on_signal():
        interrupted.set()
        arrived.set()

    loop = asyncio.get_running_loop()
    while True:
        # nbclient sets handlers of its own when the kernel starts, so ours are set again and again.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal)
        try:
            await asyncio.wait_for(arrived.wait(), 0.2)
        except asyncio.TimeoutError:
            continue
        if client.km is not None and client.km.has_kernel:
            await client.km.interrupt_kernel()
            await asyncio.wait([task], timeout=10)
        task.cancel()
        return


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebook", type=pathlib.Path)
    parser.add_argument("--to", type=pathlib.Path, required=True, help="where the executed copy goes")
    parser.add_argument("--parameters", type=json.loads, default={}, help="values by variable, as JSON")
    parser.add_argument("--timeout", type=int, default=None, help="seconds allowed to one cell")
    options = parser.parse_args()
    if options.to.resolve() == options.notebook.resolve():
        parser.error("--to is the notebook itself; give another place for the executed copy")
    options.to.parent.mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(run(options.notebook.resolve(), options.to, options.timeout, options.parameters)))


if __name__ == "__main__":
    main()
