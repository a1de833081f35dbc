"""What it costs to give a step a process of its own, in milliseconds from the order to its end.

    python benchmarks/step_processes.py [--count 100] [--modules pandas sklearn.linear_model mlflow]

Each way runs a function that does nothing but needs the modules, one process after the other, n of them:
  template     ours: forked from a clean, single-threaded process that has the modules
  forkserver   multiprocessing.Process, the modules preloaded in its server
  pebble       ProcessPool(max_workers=1, max_tasks=1) on a forkserver, where pebble is installed
  fresh        a new interpreter, as multiprocessing's spawn
Medians and minima of a warm machine; decisions/0005 quotes a run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from pipespec.engine.processes.process_messages import Exited, Lost, Ready
from pipespec.engine.processes.step_processes import StepProcesses


def need(modules: bytes, _say_done=None) -> None:
    """The step: its modules, and nothing else."""
    for module in json.loads(modules):
        importlib.import_module(module)


def needing(modules: bytes):
    return partial(need, modules)


def time_each(count, act):
    act()
    seconds = []
    for _ in range(count):
        before = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - before)
    return seconds


def of_template(count, modules):
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPATH"] = str(Path(__file__).parent)
        log = Path(folder, "log")
        processes = StepProcesses("step_processes:needing", modules=modules, folder=Path(folder), log=log)
        processes.warm_up()
        while not any(isinstance(answer, Ready) for answer in processes.wait(60.0)):
            pass
        numbers = iter(range(count + 1))

        def act():
            processes.spawn(next(numbers), json.dumps(modules).encode(), log)
            while not any(isinstance(answer, Exited | Lost) for answer in processes.wait(60.0)):
                pass

        try:
            return time_each(count, act)
        finally:
            processes.close()


def of_forkserver(count, modules):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["step_processes", *modules])

    def act():
        process = context.Process(target=need, args=(json.dumps(modules).encode(),))
        process.start()
        process.join()

    return time_each(count, act)


def of_pebble(count, modules):
    from pebble import ProcessPool

    with ProcessPool(max_workers=1, max_tasks=1, context=multiprocessing.get_context("forkserver")) as pool:
        return time_each(count, lambda: pool.schedule(need, args=(json.dumps(modules).encode(),)).result())


def of_fresh(count, modules):
    code = f"import step_processes as it; it.need({json.dumps(modules).encode()!r})"
    return time_each(
        min(count, 20),
        lambda: subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--modules", nargs="*", default=[])
    asked = parser.parse_args()
    for way in (of_template, of_forkserver, of_pebble, of_fresh):
        try:
            found = way(asked.count, asked.modules)
        except ImportError as error:
            print(f"{way.__name__[3:]:12} left out: {error}")
            continue
        middle, least = statistics.median(found) * 1e3, min(found) * 1e3
        print(f"{way.__name__[3:]:12} median {middle:8.1f} ms   min {least:8.1f} ms   n={len(found)}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
