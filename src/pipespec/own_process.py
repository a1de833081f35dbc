"""Whether this process runs pipespec and nothing else: then libraries are loaded without the parts that it never uses.

A program that uses pipespec from Python has its own use for a library, and finds it whole.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, cast

__all__ = ["leaving_out", "own_process"]

_is_own = False


@contextlib.contextmanager
def own_process() -> Iterator[None]:
    """Say that no code but pipespec's uses what is imported in the block."""
    global _is_own  # noqa: PLW0603 - it is said of the process
    before, _is_own = _is_own, True
    try:
        yield
    finally:
        _is_own = before


@contextlib.contextmanager
def leaving_out(*modules: str) -> Iterator[None]:
    """Let a library that is imported in the block not find these modules, which it can do without.

    Nothing is left out in a process of others, and nothing that is loaded already.
    """
    loaded = cast("dict[str, Any]", sys.modules)
    hidden = [name for name in modules if _is_own and name not in loaded]
    for name in hidden:
        loaded[name] = None  # Python's way to say that there is none
    try:
        yield
    finally:
        for name in hidden:
            del loaded[name]
