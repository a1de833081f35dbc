"""The files that a pipeline is made of, read from disk: the file itself, overlays, includes.

What a user names may be anywhere; what a file includes must lie inside the project root, links followed. Keeps
the name that each file's spans bear, the folder that its relative paths start from, and its digest.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from pathlib import Path

from pipespec.document.layers import Source
from pipespec.document.resolvers import Problem
from pipespec.document.yaml_reader import MAX_BYTES
from pipespec.errors import Diagnostic, InvalidPipelineError, Span
from pipespec.project.tree import DiskTree, Tree

__all__ = ["PipelineFiles"]


class PipelineFiles:
    """Reads the files of one pipeline, each under one name.

    `folders` maps each name to the file's absolute folder, `digests` each absolute path to sha256 of its bytes.
    `tree` is where they are read from.
    """

    def __init__(self, root: Path, tree: Tree | None = None) -> None:
        self._tree: Tree = tree or DiskTree()
        self._root = self._tree.real(root)
        self._names: dict[str, str] = {}
        self.folders: dict[str, Path] = {}
        self.digests: dict[str, str] = {}

    def read(self, name: str) -> Source:
        """Read a file that the user named.

        Raises:
            InvalidPipelineError: where it cannot be read, as the only finding.
        """
        try:
            return self._read(Path(name).absolute(), name)
        except OSError as error:
            hint = _nearest(Path(name), Path(name))
            found = Diagnostic("unreadable-file", _reason(name, error), Span(name, 1, 1, 1, 1), hint)
            raise InvalidPipelineError([found], {}) from error

    def fetch(self, written: str, span: Span) -> Source | Problem:
        """Read a file that another one includes; `written` starts from the folder of that one."""
        folder = self.folders.get(span.file, Path(self._root))
        path = Path(os.path.normpath(folder / written))
        if not Path(self._tree.real(path)).is_relative_to(self._root):
            return Problem(
                f"'{written}' leads out of the project", "includes must lie inside of the project root"
            )
        name = os.path.normpath(Path(span.file).parent / written)
        try:
            return self._read(path, name)
        except OSError as error:
            return Problem(_reason(written, error), _nearest(path, Path(written)))

    def _read(self, path: Path, name: str) -> Source:
        content = self._tree.read(path, MAX_BYTES + 1)
        name = self._names.setdefault(self._tree.real(path), name)
        self.folders[name] = path.parent
        self.digests[str(path)] = hashlib.sha256(content).hexdigest()
        return Source(name, content)


def _reason(name: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file '{name}'"
    return f"'{name}' cannot be read: {(error.strerror or 'unknown').lower()}"


def _nearest(path: Path, written: Path) -> str | None:
    """Name the nearest file, spelt as the user spelt the missing one."""
    try:
        names = [
            entry.name for entry in path.absolute().parent.iterdir() if entry.suffix in (".yaml", ".yml")
        ]
    except OSError:
        return f"there is no folder '{written.parent}' either"
    nearest = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean '{written.with_name(nearest[0])}'?" if nearest else None
