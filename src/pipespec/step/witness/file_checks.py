"""Checks of files that a step does not open: whether they are there, how large and how old they are, where links lead.

Takes the frame of a call of `os.stat` and tells which of the facts the code around it can use. `os.path.exists` uses the kind
of what it finds; `os.path.getsize` its size as well. Code that calls `os.stat` itself is judged by the attributes that it names.
"""

from __future__ import annotations

import itertools
from types import CodeType, FrameType
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.step.witness.trace_digests import Asked

__all__ = ["Looked", "asked_of", "names_in_code"]


@frozen
class Looked:
    """How a path was looked at.

    `by_own` says that code of the user did so, and no installed package. `facts` are as they were then. `is_new` says that
    its state changed after the step began and before it was looked at: the step made it, or a program that it started.
    """

    asked: Asked
    by_own: bool
    facts: tuple[str, int, int]
    is_new: bool = False


_FUNCTIONS: Final = {
    **dict.fromkeys(
        ("exists", "lexists", "isfile", "isdir", "islink", "ismount", "samefile", "access", "walk", "_walk"), Asked.KIND
    ),
    **dict.fromkeys(
        ("is_file", "is_dir", "is_symlink", "is_mount", "is_fifo", "is_socket", "is_block_device", "is_char_device"), Asked.KIND
    ),
    **dict.fromkeys(("getsize", "_sig"), Asked.SIZE),
    **dict.fromkeys(("getmtime", "getctime", "getatime"), Asked.TIME),
}  # fmt: skip
"""Functions of the standard library that return a part of what `os.stat` says."""

_PASSING: Final = frozenset({"stat", "lstat"})
"""Methods of `Path` that return all of it."""

_RESOLVING: Final = frozenset({"_joinrealpath", "realpath", "resolve", "_resolve_from_fd"})
_TIMES: Final = frozenset(
    {"st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns", "st_atime", "st_atime_ns", "st_birthtime"}
)
_KINDS: Final = frozenset(
    {"st_mode", "st_ino", "st_dev", "st_uid", "st_gid", "st_nlink", "S_ISDIR", "S_ISREG"}
)


def asked_of(frame: FrameType, standard: tuple[str, ...], *, by_own: bool) -> Asked | None:
    """Return which facts the caller of `os.stat` can use, None if it only resolves links.

    `standard` is where Python's own code is. The time counts only for code of the user: a library that compares times, such as a
    cache of templates, would run each step again in each new copy of a project.
    """
    caller: FrameType | None = frame
    while caller is not None:
        code = caller.f_code
        if code.co_filename.startswith(standard):
            if code.co_name in _PASSING:
                caller = caller.f_back
                continue
            if code.co_name in _RESOLVING:
                return None
            asked = _FUNCTIONS.get(code.co_name, Asked.SIZE)
        else:
            asked = _named(names_in_code(code))
        return asked if by_own else min(asked, Asked.SIZE)
    return None


def _named(names: frozenset[str]) -> Asked:
    if _TIMES & names:
        return Asked.TIME
    if "st_size" in names:
        return Asked.SIZE
    return Asked.KIND if _KINDS & names else Asked.TIME


def names_in_code(code: CodeType) -> frozenset[str]:
    """Return the global names and attributes in a piece of code, and in the functions that it defines."""
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return frozenset(itertools.chain(code.co_names, *map(names_in_code, inner)))
