"""What was noted about the execution of a step so far: absolute paths, not judged yet, and names of modules.

A process that the step forks has its own observer, which reports to that of the step through a file without a name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import stat
import time
from dataclasses import dataclass, field
from typing import IO, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from pipespec.frozen_values import frozen
from pipespec.step.witness.file_checks import Looked
from pipespec.step.witness.os_calls import unwatched_stat
from pipespec.step.witness.trace_digests import Asked

__all__ = ["Observer", "Script", "Seen", "absolute_path"]


_TOLD: Final = ("scripts", "loaded", "folders", "missing", "changed", "made", "handed", "named", "due")
"""Sets of paths that a forked process tells of."""

_LAST_TICK: Final = 5
"""`CLOCK_REALTIME_COARSE` of Linux, for which Python has no name; other systems do not know it."""


@frozen
class Seen:
    """A file as it was when it was first read: size, modification and change of state in ns, inode."""

    size: int
    modified: int
    changed: int
    inode: int

    @classmethod
    def of(cls, path: str) -> Seen | None:
        """Return what stands at a path, or None if that is no regular file.

        Raises:
            OSError: if nothing does, or it cannot be known.
        """
        status = unwatched_stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class Script(NamedTuple):
    """A text that a program executes: the file at `path`, or `code` among its words. The program starts in `folder`.

    `search` are the folders in which it finds Python modules, besides those where the script and the program are.
    """

    path: str
    code: str
    folder: str
    search: tuple[str, ...]


def _time_of_files() -> int:
    """Return the time by the clock that stamps files. Linux stamps them with the time of its last tick, which is up to 10 ms ago."""
    try:
        return time.clock_gettime_ns(_LAST_TICK)
    except OSError:
        return time.time_ns()


@dataclass(slots=True)
class Observer:
    """What was noted so far, by absolute path."""

    began: int = field(default_factory=_time_of_files)
    read: dict[str, Seen] = field(default_factory=dict)
    scripts: set[str] = field(default_factory=set)
    """Python files that were handed to a program."""
    imported: set[str] = field(default_factory=set)
    """Python files that the import system read."""
    loaded: set[str] = field(default_factory=set)
    """Python files that the import system read in a process that was started anew."""
    programs: set[Script] = field(default_factory=set)
    """What programs execute."""
    handed: set[str] = field(default_factory=set)
    """Folders that were handed to a program, which may read them or write to them."""
    named: set[str] = field(default_factory=set)
    """Files that were handed to a program, which may read them or write to them."""
    due: set[str] = field(default_factory=set)
    """Paths that were handed to a program and where nothing was: what is there later, it made."""
    folders: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    looked: dict[str, Looked] = field(default_factory=dict)
    """Paths that were found and not opened."""
    links: dict[str, bool] = field(default_factory=dict)
    """Links that were followed; whether by code of the user."""
    written: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    """Files that were written to, and that keep some of what stood in them."""
    made: set[str] = field(default_factory=set)
    """Folders."""
    unpickled: set[tuple[str, str]] = field(default_factory=set)
    """Module and name."""
    not_found: set[tuple[str, tuple[str, ...] | None]] = field(default_factory=set)
    """Modules that code asked for and nobody found, with the folders of their package."""
    told: IO[bytes] | None = None
    """What forked processes noted."""
    is_forked: bool = False
    """Whether this is another process than the step's own."""
    is_spawned: bool = False
    """Whether it has loaded all of its modules itself."""
    unsaid: list[str] = field(default_factory=list)
    """What a forked process wrote and has not told yet."""

    def note_read(self, path: object, folder: str | None = None) -> str | None:
        """Note a file that is about to be read; return its path where it is a file."""
        name = absolute_path(path, folder)
        if name is None or name in self.read or name in self.written:
            return name
        try:
            seen = Seen.of(name)
        except (FileNotFoundError, NotADirectoryError):
            self.missing.add(name)
            return None
        except OSError:
            return None
        if seen is not None:
            self.read[name] = seen
        return name

    def note_looked(self, name: str, looked: Looked) -> None:
        """Note that a path was found. What the step wrote before is its own."""
        before = self.looked.get(name)
        if before is None:
            if name not in self.written and name not in self.made:
                self.looked[name] = looked
        elif looked.asked > before.asked or looked.by_own > before.by_own:
            asked, by_own = max(looked.asked, before.asked), looked.by_own or before.by_own
            self.looked[name] = Looked(asked, by_own, before.facts, before.is_new)

    def take_in_forked(self) -> None:
        """Add what forked processes noted up to now."""
        if self.told is None:
            return
        self.told.seek(0)
        for line in self.told:
            with contextlib.suppress(ValueError, TypeError):  # torn, where a process was killed
                kind, path, *stamp = json.loads(line)
                if kind == "read":
                    self.read.setdefault(path, Seen(*stamp))
                elif kind == "looked":
                    asked, by_own, facts, is_new = stamp
                    self.note_looked(path, Looked(Asked(asked), by_own, tuple(facts), is_new))
                elif kind == "link":
                    self.links[path] = stamp[0] or self.links.get(path, False)
                elif kind == "programs":
                    code, folder, search = stamp
                    self.programs.add(Script(path, code, folder, tuple(search)))
                elif kind in (*_TOLD, "written"):
                    getattr(self, kind).add(path)

    def tell(self) -> None:
        """Write what was noted since the last time, and forget it, but for what was written here."""
        if self.told is None:
            return
        lines = [["read", path, *dataclasses.astuple(seen)] for path, seen in self.read.items()]
        lines += [["looked", path, *dataclasses.astuple(one)] for path, one in self.looked.items()]
        lines += [["link", path, by_own] for path, by_own in self.links.items()]
        lines += [["written", path] for path in self.unsaid]
        lines += [["programs", *script] for script in self.programs]
        for kind in _TOLD:
            lines += [[kind, path] for path in getattr(self, kind)]
            getattr(self, kind).clear()
        self.read.clear()
        self.looked.clear()
        self.links.clear()
        self.programs.clear()
        self.unsaid.clear()
        if lines:
            os.write(self.told.fileno(), "".join(f"{json.dumps(line)}\n" for line in lines).encode())

    def note_changed(self, path: object) -> None:
        """Note a file that is about to be written to: it may still be read for what stood in it."""
        name = absolute_path(path)
        if name is None or name in self.written:
            return
        try:
            is_empty = not unwatched_stat(name).st_size
        except OSError:
            is_empty = True
        if is_empty:
            self.note_written(name)
        else:
            self.changed.add(name)

    def note_database(self, path: object) -> None:
        """Note a database of SQLite. Whoever opens it may write; what counts is the file as the step leaves it."""
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if name.startswith("file:"):
            name = unquote(urlsplit(name).path)
        if name and name != ":memory:":
            self.note_read(name)
            self.note_written(name)

    def note_written(self, path: object) -> None:
        """Note a file that is about to be made, or of which nothing is left."""
        name = absolute_path(path)
        if name is not None and name not in self.written:
            self.written.add(name)
            if self.is_forked:
                self.unsaid.append(name)


def absolute_path(path: object, folder: str | None = None) -> str | None:
    """Return what a call names as text: absolute, relative ones below the working directory or `folder`; None for no path."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    name = os.fsdecode(path)
    if not name or "\0" in name:
        return None
    if not name.startswith("/"):
        name = os.path.join(folder or os.getcwd(), name)  # noqa: PTH109, PTH118 - thousands of times a second
    return os.path.normpath(name)
