"""Watches the execution of a step and returns its witness: what it used beyond its key, each with its digest.

Takes a `WitnessJob`, and returns a `Witness` when the code of the step has ended. A file that the step wrote before it read it does
not count. A file that it read and then changed counts with its last content.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from pipespec.plan.witness import NO_WITNESS, Touched, Trace, Witness
from pipespec.step.content_digest import ContentError, digest_file
from pipespec.step.witness.file_checks import Looked
from pipespec.step.witness.loaded_modules import absent_modules, own_modules, uncounted_modules
from pipespec.step.witness.observation import observe
from pipespec.step.witness.observer import Observer, Seen
from pipespec.step.witness.path_judgement import SKIPPED_NAMES, PathJudgement, is_below
from pipespec.step.witness.program_texts import named_in_texts
from pipespec.step.witness.trace_digests import (
    LARGEST,
    Asked,
    facts_digest,
    facts_of,
    folder_digest,
    large_digest,
    link_digest,
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
        self._look_at_programs()
        self._put_folders_for_checks()
        # A module counts as such, a file that was read by its content, a folder that was listed by the names in it.
        used = (*self._missing(), *self._folders(), *self._files(), *self._modules())
        by_path = {each.path: each for each in used}
        checks = self._checks(by_path)
        touched = {(each.path, each.trace): each for each in (*by_path.values(), *checks)}
        left_out = sorted(
            self._judgement.recorded(path) for path in self._data() if self._judgement.is_untracked(path)
        )
        if not touched and not left_out:
            return NO_WITNESS
        return Witness(tuple(touched[each] for each in sorted(touched)), tuple(left_out[:_MOST]))

    # --------------------------------------------------------------------------------------- programs

    def _look_at_programs(self) -> None:
        """Add what programs probably read: files that the text of their scripts names, and folders that they were handed.

        What changed while the step ran is taken to be written by them.
        """
        places = (*self._job.folders, self._job.root)
        named = named_in_texts(self._observer.programs, places, self._judgement.is_code)
        self._observer.scripts |= named.imported
        for path in named.files:
            with contextlib.suppress(OSError):
                if (seen := Seen.of(path)) is not None and seen.changed < self._observer.began:
                    self._observer.read.setdefault(path, seen)
        for folder in self._observer.handed:
            if self._judgement.is_own(folder) and self._counts(folder) and not self._is_around(folder):
                self._take_as_read(folder)

    def _take_as_read(self, folder: str) -> None:
        """Let all below a folder count as read if it is not much, and if nothing there has changed since the step began."""
        files: dict[str, Seen] = {}
        folders: list[str] = []
        for place, names, found in os.walk(folder):
            names[:] = [name for name in names if name not in SKIPPED_NAMES]
            folders.append(place)
            if os.stat(place).st_ctime_ns >= self._observer.began:  # noqa: PTH116 - paths are text here
                return
            for path in (os.path.join(place, name) for name in found):  # noqa: PTH118
                with contextlib.suppress(OSError):
                    if (seen := Seen.of(path)) is not None:
                        files[path] = seen
                        if seen.changed >= self._observer.began:
                            return
            if len(files) > _MOST or sum(one.size for one in files.values()) > LARGEST:
                return
        self._observer.folders.update(folders)
        self._observer.read |= files | self._observer.read

    def _is_around(self, path: str) -> bool:
        """Return whether the project's modules, or the project, are in a folder."""
        return any(is_below(place, path) for place in self._around)

    # --------------------------------------------------------------------------------------- files

    def _data(self) -> Iterator[str]:
        """Yield the files that were read and are data of the user."""
        return (
            path for path in self._observer.read if path not in self._observer.scripts and self._is_data(path)
        )

    def _is_data(self, path: str) -> bool:
        made = (*self._observer.made, *self._observer.due)
        return self._judgement.is_data(path) and not any(is_below(path, place) for place in made)

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
            is_ours = any(
                path in ours
                for ours in (self._observer.written, self._observer.changed, self._observer.named)
            )
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
        gone += [path for path in self._observer.due if self._is_looked_for_in_vain(path)]
        if len(gone) > _MOST:  # what appears changes the names in a folder
            self._observer.folders.update(_folder_around(path) for path in gone)
            return
        for path in gone:
            yield Touched(self._judgement.recorded(path), Trace.MISSING, "-")

    def _is_looked_for_in_vain(self, path: str) -> bool:
        """Return whether a word of a program is the name of a file, as far as its suffix says, that was not there and is not now."""
        return (
            _WITH_SUFFIX.search(path) is not None
            and self._judgement.is_own(path)
            and self._judgement.is_data(path)
            and not self._judgement.is_untracked(path)
            and not os.path.lexists(path)
        )

    # --------------------------------------------------------------------------------------- checks

    def _checks(self, used: Mapping[str, Touched]) -> Iterator[Touched]:
        """Yield what was looked at and not opened, and where links lead, as far as `used` does not say it."""
        for path, by_own in self._observer.links.items():
            if self._is_looked_at(path, by_own=by_own) and os.path.islink(path):  # noqa: PTH114 - paths are text here
                yield Touched(self._judgement.recorded(path), Trace.LINK, link_digest(path))
        for path, looked in self._observer.looked.items():
            name = self._judgement.recorded(path)
            if not _says(used, name, looked.asked) and self._is_looked_at(path, by_own=looked.by_own):
                found = self._check(path, name, looked)
                if found is not None:
                    yield found

    def _put_folders_for_checks(self) -> None:
        """Of too many checks, let the folders count: their names, and the content of files whose size or age was asked for."""
        looked = {
            path: one
            for path, one in self._observer.looked.items()
            if path not in self._observer.read and self._is_looked_at(path, by_own=one.by_own)
        }
        if len(looked) <= _MOST:
            return
        for path, one in looked.items():
            del self._observer.looked[path]
            if one.asked is Asked.KIND:
                self._observer.folders.add(_folder_around(path))
            else:
                self._observer.note_read(path)

    def _check(self, path: str, name: str, looked: Looked) -> Touched | None:
        """Digest what a check used, as it is now; None for what the step made, or took away."""
        if looked.is_new or path in self._observer.written:
            return None
        trace = _TRACES[looked.asked]
        try:
            used = slice(looked.asked + 1)
            now = facts_of(os.stat(path))[used]  # noqa: PTH116 - paths are text here
            if looked.facts[used] != now and path not in self._observer.changed:
                return Touched(name, trace, "")
            return Touched(name, trace, facts_digest(path, looked.asked))
        except OSError:
            return None

    def _is_looked_at(self, path: str, *, by_own: bool) -> bool:
        """Return whether a check counts: of what is the project's, and of data elsewhere where the user's code looks.

        A folder above the project is there, and so are sources that are loaded.
        """
        return (
            (by_own or self._judgement.is_own(path))
            and not self._is_around(path)
            and path not in self._loaded
            and self._counts(path)
        )

    @cached_property
    def _around(self) -> tuple[str, ...]:
        return (self._job.root, *self._job.folders, *(entry for entry in sys.path if entry))

    @cached_property
    def _loaded(self) -> frozenset[str]:
        return frozenset((*own_modules(self._judgement).values(), *self._job.counted_files))

    # --------------------------------------------------------------------------------------- modules

    def _modules(self) -> Iterator[Touched]:
        files: set[str] = set()
        if self._job.modules:
            own = own_modules(self._judgement)
            files = uncounted_modules(own, self._before, self._observer.unpickled, self._job)
            # Executed by a path, taken out again, or given up: nobody knows them by a name any more.
            files |= self._observer.imported - set(own.values())
            files |= self._observer.loaded - {*self._job.counted_files}
        files |= self._observer.scripts
        room = _TEXT_LIMIT
        for path in sorted(filter(self._judgement.is_code, files)):
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


_WITH_SUFFIX: Final = re.compile(r"[^/.]\.[A-Za-z][A-Za-z0-9]{0,7}$")
_TRACES: Final = {Asked.KIND: Trace.KIND, Asked.SIZE: Trace.SIZE, Asked.TIME: Trace.TIME}
_SAYS_SIZE: Final = frozenset({Trace.FILE, Trace.LARGE, Trace.MODULE})


def _says(used: Mapping[str, Touched], name: str, asked: Asked) -> bool:
    """Return whether what is recorded of a path, or of the folder around it, determines what a check used."""
    own = used.get(name)
    if own is not None and (asked is Asked.KIND or (asked is Asked.SIZE and own.trace in _SAYS_SIZE)):
        return True
    around = used.get(name.rpartition("/")[0] or ".")
    return asked is Asked.KIND and around is not None and around.trace is Trace.FOLDER


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
    """Return whether one of these folders is above a path."""
    while (path := path.rpartition("/")[0]) != "":
        if path in folders:
            return True
    return False


def _above(path: str, levels: int) -> str:
    for _ in range(levels):
        path = path.rpartition("/")[0]
    return path or "/"
