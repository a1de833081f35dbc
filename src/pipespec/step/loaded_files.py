"""Find the loaded modules that may be the user's, without looking at the hundreds that are not. Each step does this.

Takes the loaded modules. Returns names and files. In Python, reading an object writes its reference count, and a forked
process copies each memory page to which it writes. Therefore a process that forks others notes once what is loaded, and
a step looks only at what was loaded later.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Final

from pipespec.frozen_values import frozen

__all__ = ["loaded_files", "note_loaded"]

_OURS: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - compared as text
_STANDARD: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
_INSTALLED: Final = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))


@frozen
class _Noted:
    """The modules that were loaded when they were noted."""

    names: Mapping[str, tuple[str, ...]]
    """Names of modules by file."""
    may_be_users: tuple[str, ...]
    """Names of modules."""


_noted = _Noted({}, ())


def note_loaded() -> None:
    """Note what is loaded now, for the processes that will be forked from this one."""
    global _noted  # noqa: PLW0603 - there is only one, as of `sys.modules`
    names: dict[str, tuple[str, ...]] = {}
    for name, file in _files([*sys.modules]):
        names[file] = (*names.get(file, ()), name)
    may_be_users = tuple(name for file, some in names.items() if _may_be_users(file) for name in some)
    _noted = _Noted(names, may_be_users)
    sys.modules[__name__] = sys.modules.pop(__name__)  # modules that are loaded from now on come after it


def loaded_files(also: Iterable[str] = ()) -> dict[str, str]:
    """Return the loaded modules that may be a user's, by name, each with its absolute file; also those of the files `also`."""
    noted = [*_noted.may_be_users, *(name for file in also for name in _noted.names.get(file, ()))]
    return {
        name: file for name, file in _files([*noted, *_since_noted()]) if file in also or _may_be_users(file)
    }


def _since_noted() -> list[str]:
    """Return the names that were added later: they come last. If nothing was noted, return all."""
    until = __name__ if _noted.names else None
    return [*itertools.takewhile(lambda name: name != until, reversed(sys.modules))]


def _files(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        module = sys.modules.get(name)
        if isinstance(module, ModuleType):
            file = getattr(module, "__file__", None) or getattr(
                getattr(module, "__spec__", None), "origin", None
            )
            if isinstance(file, str) and file.startswith(os.sep):
                yield name, file


def _may_be_users(file: str) -> bool:
    return not file.startswith((_OURS, _STANDARD)) and not any(name in file for name in _INSTALLED)
