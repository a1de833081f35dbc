"""Which paths are a user's data or code, and how they are recorded: relative to the project root where they are below it.

Takes absolute paths as a process opened them. Knows the folders of the system, of installed packages and of caches. Pure, except
that it knows where this Python is installed.
"""

from __future__ import annotations

import fnmatch
import os
import sys
import sysconfig
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Final

from pipespec.step.witness.witness_job import WitnessJob

__all__ = ["SKIPPED_NAMES", "PathJudgement", "is_below", "python_places"]

SKIPPED_NAMES: Final = frozenset(
    {
        ".git",
        ".hg",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pipespec",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)
"""Names of folders that hold no data of a user, wherever they are."""

_SYSTEM: Final = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/cache",
    "/var/run", "/Library", "/System", "/private/etc", "/private/var/db",
)  # fmt: skip


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is a folder or in it; both as `os.path.abspath` spells them."""
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


class PathJudgement:
    """Judges paths for one step."""

    def __init__(self, job: WitnessJob) -> None:
        self._job = job
        self._roots = tuple(dict.fromkeys((job.root, _real(job.root))))
        self._own = _with_real((job.root, *job.folders))
        not_data = _with_real(job.not_data)
        beside = (f"{place}-{tail}" for place in not_data for tail in _SQLITE_TAILS)
        self._not_data = _PathPrefixes((*not_data, *beside, *python_places()))
        self._covered = _PathPrefixes(_with_real(job.covered))

    def is_data(self, path: str) -> bool:
        """Return whether a file that was opened, or a folder that was listed, may be what a result was made of."""
        return (
            self._is_users(path)
            and not self._covered.hold(path)
            and (self.is_own(path) or not _is_setting(path))
        )

    def is_code(self, path: str) -> bool:
        """Return whether a module's file is the user's own, and not installed."""
        return self._is_users(path)

    def is_own(self, path: str) -> bool:
        """Return whether a path is below the project root or among the project's modules."""
        return any(is_below(path, place) for place in self._own)

    def is_untracked(self, path: str) -> bool:
        """Return whether `identity.untracked` leaves a path out; a pattern that ends with `/` means all below it."""
        name = self.recorded(path)
        return any(
            fnmatch.fnmatchcase(name, f"{pattern}*" if pattern.endswith("/") else pattern)
            for pattern in self._job.untracked
        )

    def recorded(self, path: str) -> str:
        """Spell a path as a witness does."""
        for root in self._roots:
            if path.startswith(f"{root}/"):
                return path[len(root) + 1 :]
        return "." if path in self._roots else path

    def _is_users(self, path: str) -> bool:
        if "site-packages/" in path or "dist-packages/" in path:
            return False
        if self._not_data.hold(path):
            return False
        below = next((path[len(root) :] for root in self._own if is_below(path, root)), None)
        if not SKIPPED_NAMES.isdisjoint((path if below is None else below).split("/")):
            return False
        return below is not None or not self._system.hold(path)

    @cached_property
    def _system(self) -> _PathPrefixes:
        home = os.path.expanduser("~")  # noqa: PTH111 - paths are text here
        caches = (os.environ.get("XDG_CACHE_HOME") or f"{home}/.cache", f"{home}/Library/Caches")
        return _PathPrefixes((*_SYSTEM, *caches))


class _PathPrefixes:
    """Files and folders; each loaded module of each step is looked up among them, so all are compared at once."""

    def __init__(self, places: Iterable[str]) -> None:
        self._places = frozenset(places)
        self._starts = tuple(place if place.endswith("/") else f"{place}/" for place in self._places)

    def hold(self, path: str) -> bool:
        """Return whether a path is one of them, or in one."""
        return path in self._places or path.startswith(self._starts)


_SQLITE_TAILS: Final = ("journal", "shm", "wal")


def _with_real(places: Iterable[str]) -> tuple[str, ...]:
    spellings = (spelling.rstrip("/") for place in places for spelling in (place, _real(place)))
    return tuple(dict.fromkeys(each for each in spellings if each))


@lru_cache(1_000)
def _real(place: str) -> str:
    """Return a place without links: of the places of a run, which stay, looked up where its steps are forked from."""
    return os.path.realpath(place)


@lru_cache(1)
def python_places() -> tuple[str, ...]:
    """Where this Python, its packages and we are: never a user's, even below the project root."""
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 - paths are text here
    places = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, sys.exec_prefix, ours}
    return tuple(sorted(_with_real(place for place in places if place not in ("/", "/usr", "/usr/local"))))


def _is_setting(path: str) -> bool:
    """Return whether a path is a program's own setting in the home folder: `~/.netrc`, `~/.config/…`."""
    home = os.path.expanduser("~")  # noqa: PTH111 - paths are text here
    temporary = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - nothing is made there
    return home != "/" and path.startswith(f"{home}/.") and not is_below(path, temporary)
