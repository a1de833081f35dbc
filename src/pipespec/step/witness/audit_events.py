"""Python's audit events -> what an `Observer` notes: files opened, folders listed, programs started, classes unpickled.

Each function takes the arguments of an event and the frame that caused it. It calls `stat` for at most one file, and opens nothing.
An event is raised before the call that it announces, which may fail: a folder that exists is not created. What the import system,
tracebacks and pipespec itself read does not count for the step.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import itertools
import os
import stat
import sys
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from types import FrameType
from typing import Any, Final

from pipespec.step.witness.file_checks import Looked, asked_of, names_in_code
from pipespec.step.witness.observer import Observer, absolute_path
from pipespec.step.witness.os_calls import path_below, unwatched_stat
from pipespec.step.witness.program_words import note_words
from pipespec.step.witness.trace_digests import Asked, facts_of

__all__ = [
    "EVENT_NOTES",
    "NotFoundFinder",
    "note_followed_link",
    "note_found",
    "note_missed_lookup",
    "note_open",
]

_OURS: Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep  # noqa: PTH100, PTH120 - compared as text
_STEPS: Final = f"{_OURS}steps{os.sep}"
_IMPORTS: Final = "<frozen importlib"
_STANDARD: Final = ("<frozen ", os.path.dirname(os.__file__) + os.sep)  # noqa: PTH120 - compared as text
_NOT_READERS: Final = (
    f"{os.sep}importlib{os.sep}metadata{os.sep}",
    f"{os.sep}importlib_metadata{os.sep}",
    f"{os.sep}pkg_resources{os.sep}",
)
"""Who reads what is known of installed packages."""

_LINES: Final = f"{os.sep}linecache.py"
_PLANNED: Final = f"{_OURS}step{os.sep}arguments{os.sep}planned_sources.py"
_WRAPPERS: Final = tuple(
    f"{_OURS}step{os.sep}witness{os.sep}{name}.py" for name in ("native_readers", "os_calls")
)
_CODE: Final = tuple(importlib.machinery.all_suffixes())

_MOST_ENTRIES: Final = 10_000

_WRITES_ANEW: Final = os.O_TRUNC | os.O_EXCL
_NO_FILE: Final = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)


def _reader(frame: FrameType | None) -> str:
    """Return the file of the code that reads, through the standard library and what is wrapped of it; empty if nobody is found."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_IMPORTS) or name.endswith(_LINES) or any(part in name for part in _NOT_READERS):
            return name
        if name not in _WRAPPERS and (not name.startswith(_STANDARD) or "-packages" in name):
            return name
        frame = frame.f_back
    return ""


def _is_reader(frame: FrameType | None, path: object = None) -> bool:
    """Return whether code of a user or of a library reads.

    The import system and tracebacks read code for themselves, and anything else for whoever asked: `pkgutil.get_data`.
    """
    return _reads(_reader(frame), path)


def _reads(name: str, path: object) -> bool:
    """Return the same for the file of the code that reads."""
    if name.startswith(_OURS) or any(part in name for part in _NOT_READERS):
        return False
    if name.startswith(_IMPORTS) or name.endswith(_LINES):
        return isinstance(path, str | bytes | os.PathLike) and not os.fsdecode(path).endswith(_CODE)
    return True


def _note_source(observer: Observer, path: object, frame: FrameType) -> None:
    """Note a source that is imported."""
    name = absolute_path(path)
    if name is None or not name.endswith(".py"):
        return
    if observer.is_spawned:
        observer.loaded.add(name)
    elif observer.is_forked:  # which modules are loaded is known of the step's own process only
        observer.scripts.add(name)
    elif _reader(frame).startswith((_IMPORTS, _PLANNED)):
        observer.imported.add(name)


def _note_open(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    path, _, flags = args
    note_open(observer, path, flags, frame)


def note_open(observer: Observer, path: object, flags: int, frame: FrameType) -> None:
    """Note a file that is about to be opened."""
    if flags & _NO_FILE:
        return
    if not _is_reader(frame, path):
        _note_source(observer, path, frame)
        return
    access = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
    if access != os.O_RDONLY and flags & _WRITES_ANEW:
        if not (flags & os.O_EXCL and _is_there(path)):
            observer.note_written(path)
        return
    if access == os.O_WRONLY:
        observer.note_changed(path)
        return
    observer.note_read(path)
    if access == os.O_RDWR:
        observer.note_written(path)


def _is_there(path: object) -> bool:
    name = absolute_path(path)
    return name is not None and os.path.lexists(name)


def note_missed_lookup(observer: Observer, path: object, frame: FrameType) -> None:
    """Note that nothing was found where code looked; names such as `<string>` are no paths.

    `pkgutil.extend_path` looks for more parts of a package in each folder of `sys.path`, which is none of the step's.
    """
    name = absolute_path(path)
    if name is None or name.endswith(">") or not _is_reader(frame, path):
        return
    if frame.f_back is None or frame.f_back.f_code.co_name != "extend_path":
        observer.missing.add(name)


def note_found(observer: Observer, path: object, status: os.stat_result | None, frame: FrameType) -> None:
    """Note what a check of a file can use of what it found; without a status, that it is there."""
    reader = _reader(frame)
    if not _reads(reader, path):
        return
    by_own = not _is_installed(reader)
    asked = Asked.KIND if status is None else asked_of(frame, _STANDARD, by_own=by_own)
    if asked is None or (name := absolute_path(path)) is None:
        return
    if status is not None and stat.S_ISLNK(status.st_mode):
        observer.links[name] = observer.links.get(name, False) or by_own
        return
    with contextlib.suppress(OSError):
        observer.note_looked(name, _looked(observer, asked, by_own, status or unwatched_stat(name)))


def _looked(observer: Observer, asked: Asked, by_own: bool, status: os.stat_result) -> Looked:  # noqa: FBT001 - a field of `Looked`
    is_new = status.st_ctime_ns >= observer.began and not stat.S_ISDIR(status.st_mode)
    return Looked(asked, by_own, facts_of(status), is_new)


def note_followed_link(observer: Observer, path: object, frame: FrameType) -> None:
    """Note a link whose target code asked for."""
    reader = _reader(frame)
    if _reads(reader, path) and (name := absolute_path(path)) is not None:
        observer.links[name] = observer.links.get(name, False) or not _is_installed(reader)


def _note_listing(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    path = args[0] if args and args[0] is not None else "."
    if isinstance(path, int):
        path = path_below(path)
    if not _is_reader(frame) or (name := absolute_path(path)) is None:
        return
    if not os.path.isdir(name):  # noqa: PTH112
        observer.missing.add(name)
        return
    observer.folders.add(name)
    if not frame.f_code.co_filename.startswith(_STANDARD) and not _is_installed(frame.f_code.co_filename):
        _note_entries(observer, name, names_in_code(frame.f_code))


def _note_entries(observer: Observer, folder: str, names: frozenset[str]) -> None:
    """Note size and time of what `os.scandir` lists, if the code that calls it names them; no call of `os` tells."""
    if "stat" not in names or not names & {"st_size", "st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns"}:
        return
    asked = Asked.SIZE if not names & {"st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns"} else Asked.TIME
    with os.scandir(folder) as entries:
        for entry in itertools.islice(entries, _MOST_ENTRIES):
            with contextlib.suppress(OSError):
                observer.note_looked(entry.path, _looked(observer, asked, True, unwatched_stat(entry.path)))  # noqa: FBT003


def _note_database(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    if _is_reader(frame):
        observer.note_database(args[0])


def _note_library(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    if isinstance(args[0], str) and "/" in args[0] and _is_reader(frame):
        observer.note_read(args[0])


def _note_program(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    program, arguments, folder, environment, *_ = (*args, None, None)
    if _is_starter(frame):
        note_words(observer, [program, *_words(arguments)], absolute_path(folder), environment)


def _is_starter(frame: FrameType) -> bool:
    """Return whether a program is started for the user: by code as above, or by a step that runs a command."""
    reader = _reader(frame)
    return _reads(reader, None) or reader.startswith(_STEPS)


def _note_spawn(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    if _is_reader(frame):
        program, arguments, environment, *_ = (*args, None)
        note_words(observer, [program, *_words(arguments)], None, environment)


def _note_shell(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    if _is_reader(frame):
        note_words(observer, [args[0]], None)


def _words(arguments: object) -> list[object]:
    return list(arguments) if isinstance(arguments, list | tuple) else [arguments]


def _note_made(observer: Observer, args: tuple[Any, ...], _: FrameType) -> None:
    if (name := absolute_path(args[0])) is not None and not os.path.lexists(name):
        observer.made.add(name)


def _note_truncation(observer: Observer, args: tuple[Any, ...], _: FrameType) -> None:
    observer.note_changed(args[0])


def _note_move(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    """Note both names; what stood under the first can be read under the second."""
    if _is_reader(frame):
        observer.note_read(args[0])
    observer.note_written(args[0])
    observer.note_written(args[1])


def _note_link(observer: Observer, args: tuple[Any, ...], frame: FrameType) -> None:
    """Note what a link leads to as read, since it can be from now on without its name."""
    target, link = args[:2]
    observer.note_written(link)
    place = absolute_path(link)
    if place is not None and _is_reader(frame):
        for name in (absolute_path(target), absolute_path(target, os.path.dirname(place))):  # noqa: PTH120 - compared as text
            if name is not None and os.path.isfile(name):  # noqa: PTH113
                observer.note_read(name)
                observer.note_written(
                    name
                )  # a hard link changes its file's state; what is written to either is in both


def _note_class(observer: Observer, args: tuple[Any, ...], _: FrameType) -> None:
    module, name = args
    if isinstance(module, str) and isinstance(name, str):
        observer.unpickled.add((module, name))


EVENT_NOTES: Final[Mapping[str, Callable[[Observer, tuple[Any, ...], FrameType], None]]] = {
    "open": _note_open,
    "os.listdir": _note_listing,
    "os.scandir": _note_listing,
    "sqlite3.connect": _note_database,
    "ctypes.dlopen": _note_library,
    "subprocess.Popen": _note_program,
    "os.posix_spawn": _note_spawn,
    "os.exec": _note_spawn,
    "os.system": _note_shell,
    "os.mkdir": _note_made,
    "os.rename": _note_move,
    "os.link": _note_link,
    "os.symlink": _note_link,
    "os.truncate": _note_truncation,
    "pickle.find_class": _note_class,
}


class NotFoundFinder(MetaPathFinder):
    """Stands last among the finders and finds nothing: what it is asked for, nobody else found."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def find_spec(self, fullname: str, path: Any = None, *_: object) -> None:
        """Note a module that code of the user asks for."""
        asking = _who_imports(sys._getframe(1))  # noqa: SLF001
        if asking is not None:
            folders = None if path is None else tuple(os.fsdecode(each) for each in path)
            self._observer.not_found.add((fullname, folders))


def _who_imports(frame: FrameType | None) -> str | None:
    """Return the file of the code whose import this is, or None if that is installed code, which has its reasons."""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_IMPORTS) and f"{os.sep}importlib{os.sep}" not in name:
            break
        frame = frame.f_back
    else:
        return None
    return None if _is_installed(name) else name


def _is_installed(file: str) -> bool:
    return "site-packages" in file or "dist-packages" in file or file.startswith((_OURS, sys.base_prefix))
