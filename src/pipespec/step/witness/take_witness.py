"""A step's execution watched, and its witness taken: what it touched beyond its key, each with its digest.

Takes a `WitnessJob`; gives a `Witness` once the step's own code is done. What the step wrote itself before reading it does not
count; what it read and then changed counts as it left it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Self

from pipespec.plan.witness import NO_WITNESS, Touched, Trace, Witness
from pipespec.step.content_digest import ContentError, digest_file
from pipespec.step.witness.loaded_modules import absent_modules, own_modules, uncounted_modules
from pipespec.step.witness.observation import observe
from pipespec.step.witness.observer import Observer, Seen
from pipespec.step.witness.path_judgement import PathJudgement, is_below
from pipespec.step.witness.trace_digests import (
    LARGEST,
    folder_digest,
    large_digest,
    read_source,
    source_tree_digest,
    tree_of_folder,
)
from pipespec.step.witness.witness_job import WitnessJob

__all__ = ["WitnessTaking"]

_MOST: Final = 1_000
"""Files of one witness; of more, their folders count."""

_TEXT_LIMIT: Final = 128 << 10
"""Characters of source that one witness keeps, for diffs."""

_HIGHEST: Final = 8
"""Levels above a file that are tried for a folder in place of too many files."""


class WitnessTaking:
    """Watches from when it is entered; the process is the step's own.

    `planned` has sha256 of the files whose planned bytes are what runs, whatever stands on the disk.
    """

    def __init__(self, job: WitnessJob, planned: Mapping[str, str] | None = None) -> None:
        self._job = job
        self._planned = planned or {}
        self._judgement = PathJudgement(job)
        self._observer = Observer()
        self._before: frozenset[str] = frozenset()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._before = frozenset(own_modules(self._judgement))
        self._stack.enter_context(observe(self._observer))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def witness(self) -> Witness:
        """Return what was touched up to now; nothing is noted any more."""
        self._stack.close()
        self._observer.take_in_forked()
        touched = {
            each.path: each for each in (*self._missing(), *self._folders(), *self._files(), *self._modules())
        }
        left_out = sorted(
            self._judgement.recorded(path) for path in self._data() if self._judgement.is_untracked(path)
        )
        if not touched and not left_out:
            return NO_WITNESS
        return Witness(tuple(touched[path] for path in sorted(touched)), tuple(left_out[:_MOST]))

    # --------------------------------------------------------------------------------------- files

    def _data(self) -> Iterator[str]:
        """Yield the files that were read and are data of the user's."""
        return (
            path for path in self._observer.read if path not in self._observer.scripts and self._is_data(path)
        )

    def _is_data(self, path: str) -> bool:
        return self._judgement.is_data(path) and not any(
            is_below(path, folder) for folder in self._observer.made
        )

    def _counts(self, path: str) -> bool:
        return self._is_data(path) and not self._judgement.is_untracked(path)

    def _files(self) -> Iterator[Touched]:
        files = [path for path in self._data() if not self._judgement.is_untracked(path)]
        single, trees = _gathered(files, (self._job.root, *self._job.folders))
        for path in single:
            if (found := self._file(path)) is not None:
                yield found
        for folder in trees:
            try:
                digest = tree_of_folder(folder, self._is_not_data, digest_file)
            except (OSError, ContentError):
                digest = ""
            yield Touched(self._judgement.recorded(folder), Trace.TREE, digest)

    def _file(self, path: str) -> Touched | None:
        """Digest a file as it is now; None for one that came and went while the step ran."""
        first, name = self._observer.read[path], self._judgement.recorded(path)
        try:
            now = Seen.of(path)
            if now is None:
                return None
            is_ours = path in self._observer.written or path in self._observer.changed
            if now != first and not is_ours:
                return Touched(name, Trace.FILE, "")
            if now.size > LARGEST:
                return Touched(name, Trace.LARGE, large_digest(path))
            return Touched(name, Trace.FILE, _digest_of(path))
        except FileNotFoundError:
            is_temporary = first.changed >= self._observer.began or path in self._observer.written
            return None if is_temporary else Touched(name, Trace.FILE, "")
        except (OSError, ContentError):
            return Touched(name, Trace.FILE, "")

    def _folders(self) -> Iterator[Touched]:
        for path in self._observer.folders:
            if self._counts(path) and os.path.isdir(path):  # noqa: PTH112 - paths are text here
                with contextlib.suppress(OSError, ContentError):
                    yield Touched(
                        self._judgement.recorded(path), Trace.FOLDER, folder_digest(path, self._is_not_data)
                    )

    def _is_not_data(self, path: str) -> bool:
        return not self._judgement.is_data(path)

    def _missing(self) -> Iterator[Touched]:
        paths = self._observer.missing - self._observer.written - {*sys.path}
        if self._job.modules:
            folders = (*self._job.folders, *(entry for entry in sys.path if self._judgement.is_code(entry)))
            paths.update(absent_modules(self._observer.not_found, folders, self._judgement))
        gone = [
            path
            for path in paths
            if self._judgement.is_own(path) and self._counts(path) and not os.path.lexists(path)
        ]
        if len(gone) > _MOST:  # what appears changes the names in a folder
            self._observer.folders.update(_folder_around(path) for path in gone)
            return
        for path in gone:
            yield Touched(self._judgement.recorded(path), Trace.MISSING, "-")

    # --------------------------------------------------------------------------------------- modules

    def _modules(self) -> Iterator[Touched]:
        files: set[str] = set()
        if self._job.modules:
            own = own_modules(self._judgement)
            files = uncounted_modules(own, self._before, self._observer.unpickled, self._job)
            # Executed by a path, taken out again, or given up: nobody knows them by a name any more.
            unnamed = self._observer.imported - set(own.values())
            files.update(path for path in unnamed if self._judgement.is_code(path))
        files.update(path for path in self._observer.scripts if self._judgement.is_code(path))
        room = _TEXT_LIMIT
        for path in sorted(files):
            if self._judgement.is_untracked(path) or path in self._observer.written:
                continue
            found = self._module(path, room)
            room -= len(found.text)
            yield found

    def _module(self, path: str, room: int) -> Touched:
        name = self._judgement.recorded(path)
        try:
            seen = Seen.of(path)
            if seen is None or seen.changed >= self._observer.began:
                return Touched(name, Trace.MODULE, "")  # what was loaded may be what stood there before
            digest, source = _digest_of(path), read_source(path)
            if self._planned.get(path, digest) != digest:
                return Touched(name, Trace.MODULE, "")
            text = "" if source is None else source.decode(errors="replace")
            return Touched(
                name,
                Trace.MODULE,
                digest,
                "" if source is None else source_tree_digest(source),
                text if len(text) <= room else "",
            )
        except (OSError, ContentError):
            return Touched(name, Trace.MODULE, "")


def _digest_of(path: str) -> str:
    return digest_file(Path(path))[0]


def _folder_around(path: str) -> str:
    """Return the lowest folder above a path that is there."""
    while not os.path.isdir(path := path.rpartition("/")[0] or "/"):  # noqa: PTH112 - paths are text here
        continue
    return path


def _gathered(files: Iterable[str], kept: Collection[str]) -> tuple[list[str], list[str]]:
    """Put folders in place of files until there are no more than 1,000; never a folder of `kept`, or one above it."""
    rest, folders = set(files), set[str]()
    for level in range(1, _HIGHEST + 1):
        count = len(rest) + len(folders)
        if count <= _MOST:
            break
        for folder, files_in in Counter(_above(path, level) for path in rest).most_common():
            is_kept = folder == "/" or any(is_below(place, folder) for place in kept)
            if files_in > 1 and not is_kept and count > _MOST:
                folders.add(folder)
                count -= files_in - 1
        rest = {path for path in rest if not _is_in(path, folders)}
        folders = {folder for folder in folders if not _is_in(folder, folders)}
    return sorted(rest), sorted(folders)


def _is_in(path: str, folders: Collection[str]) -> bool:
    """Tell whether one of these folders is above a path."""
    while (path := path.rpartition("/")[0]) != "":
        if path in folders:
            return True
    return False


def _above(path: str, levels: int) -> str:
    for _ in range(levels):
        path = path.rpartition("/")[0]
    return path or "/"
