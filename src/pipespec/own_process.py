"""Whether this process runs only pipespec: then libraries are loaded without the parts that pipespec never uses.

A program that uses pipespec from Python may use a library itself, so it is loaded completely.
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
    """State that only pipespec's code uses what is imported in the block."""
    global _is_own  # noqa: PLW0603 - it is said of the process
    before, _is_own = _is_own, True
    try:
        yield
    finally:
        _is_own = before


@contextlib.contextmanager
def leaving_out(*modules: str) -> Iterator[None]:
    """Hide these modules from a library that is imported in the block and works without them.

    Nothing is hidden in processes of other programs, and no module that is already loaded.
    """
    loaded = cast("dict[str, Any]", sys.modules)
    hidden = [name for name in modules if _is_own and name not in loaded]
    for name in hidden:
        loaded[name] = None  # with None, Python treats the module as missing
    try:
        yield
    finally:
        for name in hidden:
            del loaded[name]
