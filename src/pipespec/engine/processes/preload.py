"""Import modules in a process from which others are forked.

Takes names of modules. Returns what was loaded, and why others were not. Refuses a module that leaves a thread running:
a fork copies memory but not threads, and a lock that a lost thread held stays locked forever. Python is then restarted
without that module.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipespec.engine.processes.process_messages import Ready

__all__ = ["preload"]

_HARMLESS_THREADS: Final = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
"""Names of native threads that may be lost in a fork: jemalloc (in pyarrow) has its own fork handlers, and
polars' cleaner sleeps until something is spilled to disk."""


def preload(modules: Sequence[str]) -> Ready:
    """Import what can be imported. Restart the process without a module that leaves a thread running.

    A fork copies memory but not threads: a lock that a lost thread held stays locked forever.
    """
    loaded: list[str] = []
    left_out: list[tuple[str, str]] = []
    for module in modules:
        try:
            importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 - a module may raise anything, also SystemExit
            left_out.append((module, f"{type(error).__name__}: {error}"))
            continue
        if _keeps_threads():
            _restart_without(module, modules)
        loaded.append(module)
    return Ready(tuple(loaded), tuple(left_out))


def _keeps_threads() -> bool:
    """Return whether a thread would be lost in a fork. Threads that end by themselves at a fork (OpenBLAS) get time to do so."""
    if threading.active_count() > 1:
        return True
    if not _native_threads():
        return False
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return bool(_native_threads())


def _native_threads() -> set[str]:
    """Return the names of the other threads that are not known to be harmless; empty if the system does not list threads."""
    names = set()
    with contextlib.suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            if thread.name != str(os.getpid()):
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    names.add((thread / "comm").read_text().strip())
    return names - _HARMLESS_THREADS


def _restart_without(module: str, modules: Sequence[str]) -> None:
    rest = [other for other in modules if other != module]
    sys.stderr.write(f"'{module}' leaves a thread behind and is not loaded beforehand\n")
    sys.stderr.flush()
    arguments = [sys.executable, "-P", "-m", f"{__package__}.fork_template", *sys.argv[1:3], json.dumps(rest)]
    os.execv(sys.executable, arguments)  # noqa: S606 - no shell, on purpose
