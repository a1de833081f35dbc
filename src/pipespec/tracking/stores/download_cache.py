"""Keep downloads in one folder by their digest: shared by processes, of limited size.

Takes content that was fetched. Returns the place where it is found again. Each process lists what it uses in a file on
which it holds a lock. What is on no list of a living process may be removed: parts of killed downloads immediately, the
rest, least recently used first, when the folder is larger than its limit.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pipespec.errors import UsageError
from pipespec.frozen_values import frozen

__all__ = ["LIMIT", "DownloadCache", "read_limit"]

LIMIT: Final = "PIPESPEC_DOWNLOADS_LIMIT"
"""The variable that sets the maximum size of the folder."""
_DEFAULT: Final = "20GB"
_SIZE: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*(k|m|g|t)?b?", re.IGNORECASE)
_FACTORS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}

_PART: Final = ".part-"
_USER: Final = ".user-"
_LOCK: Final = ".lock"


def read_limit() -> int:
    """Return the maximum size of the folder in bytes.

    Raises:
        UsageError: if the variable does not contain a size.
    """
    text = os.environ.get(LIMIT) or _DEFAULT
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{LIMIT} is '{text}'; it must be a size such as 500MB or 20GB")
    return int(float(found[1]) * _FACTORS[(found[2] or "").lower()])


class DownloadCache:
    """The downloads in a folder."""

    def __init__(self, folder: Path) -> None:
        """Set the folder, which need not exist."""
        self._folder = folder

    def find(self, name: str, is_whole: Callable[[Path], bool]) -> Path | None:
        """Return the place of an item, if it exists and is complete. It then stays as long as this process lives."""
        place = self._folder / name
        if not os.path.lexists(place):
            return None
        with _locked(self._folder, fcntl.LOCK_SH):
            before = _identity(place)
            if before is None:
                return None
            _use(self._folder, name)
        if is_whole(place):
            with contextlib.suppress(OSError):
                os.utime(place)  # the least recently used is removed first
            return place
        with _locked(self._folder, fcntl.LOCK_EX):
            if _identity(place) == before:
                _move(place, self._new_part())
        return None

    @contextlib.contextmanager
    def part(self) -> Iterator[Path]:
        """Provide a new folder for what is being fetched. It is removed afterwards in every case."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._new_part()
        with _locked(self._folder, fcntl.LOCK_SH):
            _use(self._folder, part.name)
            part.mkdir(mode=0o700)
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def keep(self, got: Path, name: str) -> Path:
        """Move what was fetched to its place, unless another process was first, and return the place. Free space for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / name
        limit = read_limit()
        with _locked(self._folder, fcntl.LOCK_EX):
            _use(self._folder, name)
            if not os.path.lexists(place):
                got.rename(place)
                os.utime(place)
            gone = _make_room(self._folder, limit)
        for path in gone:
            _remove(path)
        return place

    def _new_part(self) -> Path:
        return self._folder / f"{_PART}{secrets.token_hex(8)}"


@frozen
class _Kept:
    path: Path
    used: float
    size: int


class _Users:
    """For each folder, the file that lists what this process uses there."""

    def __init__(self) -> None:
        self.process = 0
        self.files: dict[Path, int] = {}
        self.names: dict[Path, set[str]] = {}


_users: Final = _Users()
_users_lock: Final = threading.Lock()


def _use(folder: Path, name: str) -> None:
    """Add a name to the list of what this process uses."""
    with _users_lock:
        if _users.process != os.getpid():  # forked: the parent's lists belong to the parent
            _users.process, _users.files, _users.names = os.getpid(), {}, {}
        if folder not in _users.files:
            _in_use(folder)  # so that lists of dead processes do not accumulate
            _users.files[folder], _users.names[folder] = _new_list(folder), set()
        if name not in _users.names[folder]:
            os.write(_users.files[folder], f"{name}\n".encode())
            _users.names[folder].add(name)


def _new_list(folder: Path) -> int:
    """Create a list, and return the descriptor that keeps it locked."""
    while True:
        path = folder / f"{_USER}{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Before it was locked, another process may have taken it for the list of a dead process.
        if _identity(path) == os.fstat(descriptor).st_ino:
            return descriptor
        os.close(descriptor)


def _identity(path: Path) -> int | None:
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Hold the folder's lock: shared to add a name to a list, exclusive to remove files."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _make_room(folder: Path, limit: int) -> list[Path]:
    """Move aside what is unused and exceeds the limit, and parts that nobody writes. Return the folder to remove."""
    used = _in_use(folder)
    gone, entries = [], []
    for path in folder.iterdir():
        if path.name.startswith(_PART):
            if path.name not in used:
                gone.append(path)
        elif not path.name.startswith((_USER, _LOCK)):
            with contextlib.suppress(OSError):
                entries.append(_Kept(path, path.lstat().st_mtime, _size(path)))
    total = sum(entry.size for entry in entries)
    for entry in sorted(entries, key=lambda entry: entry.used):
        if total <= limit:
            break
        if entry.path.name not in used:
            aside = folder / f"{_PART}{secrets.token_hex(8)}"
            _move(entry.path, aside)
            gone.append(aside)
            total -= entry.size
    return gone


def _in_use(folder: Path) -> set[str]:
    """Return what is on the lists of living processes, and remove the lists of dead ones."""
    used: set[str] = set()
    for path in folder.glob(f"{_USER}*"):
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                used.update(path.read_text().split("\n"))
            finally:
                os.close(descriptor)
    return used


def _move(path: Path, to: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.rename(to)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum((Path(place) / name).lstat().st_size for place, _, names in os.walk(path) for name in names)
