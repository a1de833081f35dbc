"""What a process that others are forked from imports beforehand.

Takes names of modules; gives what was loaded, and why others were not. Refused is a module that leaves a thread behind: a fork copies
memory but not threads, and a lock that a lost thread held stays locked for ever. Python starts anew without it.
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
"""Names of native threads that a fork may leave behind: jemalloc (in pyarrow) has fork handlers of its own, and
polars' cleaner sleeps until something is spilled to disk."""


def preload(modules: Sequence[str]) -> Ready:
    """Import what can be imported; stop the process anew without a module that leaves a thread behind.

    A fork copies memory but not threads: a lock that a lost thread held stays locked for ever.
    """
    loaded: list[str] = []
    left_out: list[tuple[str, str]] = []
    for module in modules:
        try:
            importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 - a module may raise anything, SystemExit too
            left_out.append((module, f"{type(error).__name__}: {error}"))
            continue
        if _keeps_threads():
            _restart_without(module, modules)
        loaded.append(module)
    return Ready(tuple(loaded), tuple(left_out))


def _keeps_threads() -> bool:
    """Say whether a thread would be lost in a fork; what ends by itself at a fork (OpenBLAS) has its chance."""
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
    """Name the threads beside this one that are not known to be harmless; empty where the system does not tell."""
    names = set()
    with contextlib.suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            if thread.name != str(os.getpid()):
                with contextlib.suppress(OSError):  # it ended meanwhile
                    names.add((thread / "comm").read_text().strip())
    return names - _HARMLESS_THREADS


def _restart_without(module: str, modules: Sequence[str]) -> None:
    rest = [other for other in modules if other != module]
    sys.stderr.write(f"'{module}' leaves a thread behind and is not loaded beforehand\n")
    sys.stderr.flush()
    arguments = [sys.executable, "-P", "-m", f"{__package__}.fork_template", *sys.argv[1:3], json.dumps(rest)]
    os.execv(sys.executable, arguments)  # noqa: S606 - no shell, on purpose
