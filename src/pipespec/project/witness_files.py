"""Check what runs used against its present state: the `WitnessCheck` of a project on a disk.

Takes witnesses. Their paths come from a store that users can change: therefore, only regular files are opened, at most
256 MiB of each are read, and nothing is imported. Digests come from the project's cache of digests, so that a plan over
unchanged files costs one stat for each file. A path is examined once for each witness, and read again only if its stat
differs.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TypeAlias

from pipespec.plan.witness import Touched, Trace, TraceChange, Witness, WitnessChange
from pipespec.project.digest_memory import DigestMemory
from pipespec.step.content_digest import ContentError
from pipespec.step.witness.path_judgement import PathJudgement
from pipespec.step.witness.trace_digests import (
    LARGEST,
    Asked,
    facts_digest,
    folder_digest,
    large_digest,
    link_digest,
    read_source,
    source_tree_digest,
    tree_of_folder,
)
from pipespec.step.witness.witness_job import WitnessJob

__all__ = ["WitnessFiles"]

_Stamp: TypeAlias = tuple[int, int, int, int]


class WitnessFiles:
    """Implements `plan.witness.WitnessCheck` for one project. It is used for one command.

    `not_data` are the store's own files and folders, which no listing counts.
    """

    def __init__(self, root: Path, not_data: Collection[str] = ()) -> None:
        self._root = root
        self._judgement = PathJudgement(WitnessJob(str(root), not_data=tuple(not_data)))
        self._known: dict[tuple[str, Trace], tuple[_Stamp, str]] = {}

    def changes(self, witness: Witness) -> tuple[WitnessChange, ...]:
        """Return what has changed since the run used it."""
        if not witness.touched:
            return ()
        with DigestMemory(self._root) as memory:
            found = [self._change(touched, memory) for touched in witness.touched]
        return tuple(change for change in found if change is not None)

    def _change(self, touched: Touched, memory: DigestMemory) -> WitnessChange | None:
        path = os.path.join(self._root, touched.path)  # noqa: PTH118 - paths are texts here
        difference, text = TraceChange.CHANGED, ""
        if touched.trace is Trace.MISSING:
            if not os.path.lexists(path):
                return None
            difference = TraceChange.APPEARED
        elif not touched.digest:
            difference = TraceChange.UNSETTLED
        else:
            try:
                if self._digest(path, touched.trace, memory).startswith(touched.digest):
                    return None
                if touched.trace is Trace.MODULE and (source := read_source(path)) is not None:
                    if touched.tree and source_tree_digest(source).startswith(touched.tree):
                        return None
                    text = source.decode(errors="replace")
            except FileNotFoundError:
                difference = TraceChange.GONE
            except (OSError, ContentError):
                pass  # something that cannot be read has changed
        return WitnessChange(touched.path, touched.trace, difference, touched.digest, text)

    def _digest(self, path: str, trace: Trace, memory: DigestMemory) -> str:
        match trace:
            case Trace.LARGE:
                return large_digest(path)
            case Trace.KIND:
                return facts_digest(path, Asked.KIND)
            case Trace.SIZE:
                return facts_digest(path, Asked.SIZE)
            case Trace.TIME:
                return facts_digest(path, Asked.TIME)
            case Trace.LINK:
                return link_digest(path)
            case Trace.FOLDER:
                return folder_digest(path, self._is_not_data)
            case Trace.TREE:
                return tree_of_folder(path, self._is_not_data, memory.digest)
            case _:
                return self._file_digest(path, trace, memory)

    def _file_digest(self, path: str, trace: Trace, memory: DigestMemory) -> str:
        status = os.stat(path)  # noqa: PTH116
        if status.st_size > LARGEST:
            raise ContentError(f"'{path}' is larger than what a witness digests")
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        known = self._known.get((path, trace))
        if known is not None and known[0] == stamp:
            return known[1]
        digest, _ = memory.digest(Path(path))
        self._known[path, trace] = stamp, digest
        return digest

    def _is_not_data(self, path: str) -> bool:
        return not self._judgement.is_data(path)
