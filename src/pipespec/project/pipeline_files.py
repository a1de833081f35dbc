"""The files from which a pipeline is made, read from disk: the file itself, overlays, includes.

What a user names may be anywhere, but a link in the project must not lead out of it: messages quote lines of these files,
and the project may be a stranger's. What a file includes must be inside the project root after links are resolved. Stores
the name that each file has in spans, and the folder from which its relative paths start.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from pipespec.document.interpolation.resolver_interface import Problem
from pipespec.document.layers.resolve_layers import IncludedSource
from pipespec.document.size_limits import MAX_BYTES
from pipespec.errors import Diagnostic, InvalidPipelineError, Span
from pipespec.project.project_root import without_dots
from pipespec.project.source_tree import DiskTree, Tree

__all__ = ["PipelineFiles"]


class PipelineFiles:
    """Reads the files of one pipeline, each with one name.

    `folders` maps each name to the file's absolute folder. `tree` is where they are read from.
    """

    def __init__(self, root: Path, tree: Tree | None = None) -> None:
        self._tree: Tree = tree or DiskTree()
        self._lexical_root = without_dots(root)
        self._root = self._tree.real(root)
        self._names: dict[str, str] = {}
        self.folders: dict[str, Path] = {}

    def read(self, name: str) -> IncludedSource:
        """Read a file that the user named.

        Raises:
            InvalidPipelineError: if it cannot be read, as the only finding.
        """
        path = without_dots(Path(name))
        try:
            if path.is_relative_to(self._lexical_root) and not self._is_inside(path):
                raise _unreadable(
                    name,
                    f"'{name}' is a link that leads out of the project",
                    "name the file at its own place",
                )
            return self._read(path, name)
        except OSError as error:
            raise _unreadable(name, _reason(name, error), _nearest(Path(name), Path(name))) from error

    def fetch(self, written: str, span: Span) -> IncludedSource | Problem:
        """Read a file that another one includes. `written` is relative to the folder of that file."""
        folder = self.folders.get(span.file, Path(self._root))
        path = Path(os.path.normpath(folder / written))
        if not self._is_inside(path):
            return Problem(
                f"'{written}' is outside of the project", "includes must be inside the project root"
            )
        name = os.path.normpath(Path(span.file).parent / written)
        try:
            return self._read(path, name)
        except OSError as error:
            return Problem(_reason(written, error), _nearest(path, Path(written)))

    def _is_inside(self, path: Path) -> bool:
        return Path(self._tree.real(path)).is_relative_to(self._root)

    def _read(self, path: Path, name: str) -> IncludedSource:
        content = self._tree.read(path, MAX_BYTES + 1)
        name = self._names.setdefault(self._tree.real(path), name)
        self.folders[name] = path.parent
        return IncludedSource(name, content)


def _unreadable(name: str, reason: str, hint: str | None) -> InvalidPipelineError:
    return InvalidPipelineError([Diagnostic("unreadable-file", reason, Span(name, 1, 1, 1, 1), hint)], {})


def _reason(name: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file '{name}'"
    return f"'{name}' cannot be read: {(error.strerror or 'unknown').lower()}"


def _nearest(path: Path, written: Path) -> str | None:
    """Name the nearest file, in the same form as the user wrote the missing one."""
    try:
        names = [
            entry.name
            for entry in path.absolute().parent.iterdir()
            if entry.suffix in (".yaml", ".yml") and entry.name != path.name
        ]
    except OSError:
        return f"there is no folder '{written.parent}' either"
    nearest = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean '{written.with_name(nearest[0])}'?" if nearest else None
