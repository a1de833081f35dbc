"""Run a step's code as it was planned, even if the files on the disk change before Python reads them.

Takes the planned files with the digests of their bytes, and a folder that contains those bytes. Provides a finder, the
first one on `sys.meta_path`. A module that it loads has the path of its own file, and tracebacks and
`inspect.getsource` show the text that runs. If a module of the project was not planned, it notes what was read. At the
end it refuses a step that may have run any other code: docs/decisions/0015-code-while-running.md.
"""

from __future__ import annotations

import hashlib
import importlib
import linecache
import os
import resource
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import decode_source, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final, TypeAlias

from pipespec.frozen_values import frozen
from pipespec.step.failure import StepError, shown
from pipespec.step.loaded_files import loaded_files

__all__ = ["PlannedSources", "compile_beforehand", "program_code"]

_INSTALLED: Final = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_UNTIDY: Final = (f"{os.sep}{os.sep}", f"{os.sep}.{os.sep}")
"""What a path may contain without a change of its meaning."""


class PlannedSources:
    """The planned bytes of a step's modules, and a record of everything else that was loaded.

    `planned` maps absolute files to the sha256 of their bytes. `kept` is the folder that contains those bytes by
    digest. It is empty if the bytes were not kept: then the files themselves count, as long as they are as planned.
    `folders` are the project's folders.
    """

    def __init__(self, planned: Mapping[str, str], kept: str, folders: Sequence[str]) -> None:
        self._planned = planned
        self._kept = Path(kept) if kept else None
        self._folders = tuple(dict.fromkeys(str(Path(folder)) for folder in folders))
        self._below = tuple(folder.rstrip(os.sep) + os.sep for folder in self._folders)
        self.loaded: dict[str, str] = {}
        """The sha256 of each source of the project that was loaded without being planned."""

    def install(self) -> None:
        """Put the project's folders first on `sys.path`, and let this process import what was planned.

        Modules of the project that are already loaded are forgotten: a notebook may still have an hour-old version of a
        file.
        """
        sys.path[:] = [*self._folders, *(entry for entry in sys.path if entry and entry not in self._folders)]
        for name, file in loaded_files(self._planned).items():
            if name.partition(".")[0] not in _OURSELVES and self.is_ours(file):
                del sys.modules[name]
        sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, _PlannedFinder)]
        sys.meta_path.insert(0, _PlannedFinder(self))
        sys.path_importer_cache.clear()
        importlib.invalidate_caches()

    def is_ours(self, file: str) -> bool:
        """Return whether a file was planned, or is in the project's folders."""
        if file in self._planned:
            return True
        # Compared as text: each step does this for hundreds of modules, and `Path` objects would take as long as a small step.
        plain = str(Path(file)) if any(untidy in file for untidy in _UNTIDY) else file
        return plain.startswith(self._below) and not any(name in plain for name in _INSTALLED)

    def planned_file(self, name: str, places: Sequence[str] | None) -> str | None:
        """Return the planned file of a module with this name if it no longer exists on the disk."""
        tail = name.rpartition(".")[2]
        return next(
            (
                file
                for place in (sys.path if places is None else places)
                for file in (f"{place}/{tail}/__init__.py", f"{place}/{tail}.py")
                if file in self._planned
            ),
            None,
        )

    def read(self, file: str) -> bytes:
        """Return the source of a module: the planned one, otherwise the one on the disk, which is noted.

        Raises:
            StepError: if the bytes of a planned file were not kept, and the file has changed.
            OSError: if a file that was not planned cannot be read.
        """
        digest = self._planned.get(file)
        if digest is None:
            content = Path(file).read_bytes()
            self.loaded[file] = hashlib.sha256(content).hexdigest()
            return content
        kept = self._of_snapshot(digest)
        if kept is not None:
            return kept
        self._require_planned(file)
        return Path(file).read_bytes()

    def compiled(self, file: str) -> _CompiledSource | None:
        """Return the compiled code of a planned module, if it was compiled beforehand."""
        digest = self._planned.get(file)
        return None if digest is None else _compiled.get((file, digest))

    def require_planned(self) -> None:
        """Refuse to continue if a file that exists only on the disk is not as planned.

        Raises:
            StepError: naming the first such file.
        """
        for file in self._planned:
            if not self._is_kept(file):
                self._require_planned(file)

    def require_nothing_else(self) -> None:
        """Refuse a result that may have been made by code that is not known.

        Raises:
            StepError: if a file was loaded from the disk, or may have been loaded by a process that the step started,
                and has changed since.
        """
        self.require_planned()
        for file, digest in self.loaded.items():
            if _digest(file) != digest:
                raise StepError("changed", f"{shown(file)} changed while the step ran; run again")
        if not _had_children():
            return
        for file in _changed(self._planned):
            raise StepError(
                "changed",
                f"{shown(file)} changed while the step ran, and processes that the step started may have read it; run again",
            )

    def _is_kept(self, file: str) -> bool:
        return (
            file.endswith(".py")
            and self._kept is not None
            and self._kept.joinpath(self._planned[file]).exists()
        )

    def _of_snapshot(self, digest: str) -> bytes | None:
        if self._kept is None:
            return None
        try:
            content = self._kept.joinpath(digest).read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None

    def _require_planned(self, file: str) -> None:
        found = _digest(file)
        if found is None:
            raise StepError("changed", f"{shown(file)} was removed after the run was planned")
        if found != self._planned[file]:
            raise StepError("changed", f"{shown(file)} changed after the run was planned; run again")


class _PlannedFinder(MetaPathFinder):
    """Asks the other finders, and loads their modules of the project in its own way."""

    def __init__(self, sources: PlannedSources) -> None:
        self._sources = sources

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        others = [finder for finder in sys.meta_path if finder is not self]
        found = next(
            (spec for each in others if (spec := each.find_spec(fullname, path, target)) is not None), None
        )
        if found is None or found.origin is None:
            gone = self._sources.planned_file(fullname, path)
            return found if gone is None else self._spec(fullname, gone)
        # Other finders have their own loaders, for example one that rewrites assertions. Only a plain loader is replaced.
        if type(found.loader) is SourceFileLoader and self._sources.is_ours(found.origin):
            found.loader = _PlannedLoader(fullname, found.origin, self._sources)
        return found

    def program(self, file: str) -> SourceFileLoader:
        """Return the loader of a file as the main module."""
        return _PlannedLoader("__main__", file, self._sources)

    def _spec(self, fullname: str, file: str) -> ModuleSpec | None:
        is_package = Path(file).name == "__init__.py"
        return spec_from_file_location(
            fullname,
            file,
            loader=_PlannedLoader(fullname, file, self._sources),
            submodule_search_locations=[str(Path(file).parent)] if is_package else None,
        )


class _PlannedLoader(SourceFileLoader):
    """Loads a module from source only, and writes no compiled code.

    Python decides by time and size whether compiled code is up to date. If a function were edited twice within a
    second, its old code would run under the key of the new code. Installed packages keep their compiled code.
    """

    def __init__(self, fullname: str, path: str, sources: PlannedSources) -> None:
        super().__init__(fullname, path)
        self._sources = sources

    def path_stats(self, path: Any) -> Mapping[str, Any]:
        raise OSError(f"{path} is compiled again")

    def get_data(self, path: Any) -> bytes:
        if path != self.path:
            return super().get_data(path)
        content = self._sources.read(path)
        with suppress(
            SyntaxError, UnicodeDecodeError, LookupError
        ):  # the import reports it, or the lines are not needed
            linecache.cache[path] = _shown_lines(path, content)
        return content

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the compiled code of the planned bytes if there is one, otherwise compile them."""
        found = self._sources.compiled(self.path)
        if found is None:
            return super().get_code(fullname)
        linecache.cache[self.path] = found.lines
        return found.code


_Lines: TypeAlias = tuple[int, None, list[str], str]
"""An entry of `linecache`: size, time, lines, name. Without a time it is never compared with the disk."""


def _shown_lines(path: str, content: bytes) -> _Lines:
    return len(content), None, decode_source(content).splitlines(keepends=True), path


@frozen
class _CompiledSource:
    code: CodeType
    lines: _Lines


_compiled: dict[tuple[str, str], _CompiledSource] = {}
"""By file and digest: the code that was compiled in the process from which steps are forked."""


def compile_beforehand(planned: Mapping[str, str], kept: str) -> None:
    """Compile planned sources for the processes that will be forked from this one.

    Sources whose compilation prints a warning or fails are left to those processes, because the message belongs in
    their logs.
    """
    folder = Path(kept)
    for file, digest in planned.items() if kept else ():
        if (file, digest) not in _compiled and file.endswith(".py"):
            # For very large or deeply nested sources, the parser raises MemoryError or RecursionError.
            with suppress(
                OSError, SyntaxError, ValueError, LookupError, RecursionError, MemoryError, Warning
            ):
                content = folder.joinpath(digest).read_bytes()
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    code = compile(content, file, "exec", dont_inherit=True)
                if hashlib.sha256(content).hexdigest() == digest:
                    _compiled[file, digest] = _CompiledSource(code, _shown_lines(file, content))


def program_code(file: str) -> CodeType:
    """Return the code of a Python file that runs as `__main__`: as it was planned, if it was planned.

    Raises:
        SyntaxError, StepError, OSError: in the same cases as an import.
    """
    planned = next((each for each in sys.meta_path if isinstance(each, _PlannedFinder)), None)
    loader = SourceFileLoader("__main__", file) if planned is None else planned.program(file)
    code = loader.get_code("__main__")
    assert code is not None  # a source file has code
    return code


_OURSELVES: Final = frozenset({"__main__", "pipespec"})


def _changed(planned: Mapping[str, str]) -> Iterator[str]:
    return (file for file, digest in planned.items() if _digest(file) != digest)


def _digest(file: str) -> str | None:
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return None


def _had_children() -> bool:
    """Return whether this process started others. If the system does not list running processes, assume that it did."""
    if resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0:
        return True
    try:
        return any(task.joinpath("children").read_text() for task in Path("/proc/self/task").iterdir())
    except OSError:
        return True
