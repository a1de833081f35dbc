"""A pipeline that runs again when something changes from which it is made.

Records what was read, where it is, and what has changed.

Takes a file with its layers. Returns pipelines, and the names of what changed. The pipeline's files, the project's code
as far as it was read, declared inputs, and the files that steps opened directly in their last run count. Pipeline files
and code are compared by content, inputs by size and time. A file that changes by itself in run after run does not start
a run any more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.operations.compiling.compile_file import Compiled, compile_file
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.planning.open_store import store_uri
from pipespec.plan.results import RunReport
from pipespec.plan.witness import Trace
from pipespec.project.folder_watch import FolderWatch, require_watchfiles
from pipespec.project.input_presence import ExternalInput, external_inputs, files_below, is_remote
from pipespec.project.project_root import find_root, without_dots
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineInput, PipelineSpec
from pipespec.state_folder import StateFolder
from pipespec.tracking.tracking_uri import store_places

if TYPE_CHECKING:
    from pipespec.project.disk_modules import DiskModules

__all__ = ["WatchedPipeline"]

_NEVER: Final = frozenset({".git", "__pycache__", "node_modules", "site-packages", "dist-packages"})
"""Folders in which no user writes files of a project."""

_PYTHON: Final = f"{Path(os.__file__).parent}{os.sep}"
"""Where the modules of Python itself and of packages are."""

_PART: Final = 1 << 20
"""Size in bytes above which possibly only the beginning of a file was read."""

_Stamp = tuple[int, int, int] | None


@dataclass(slots=True)
class WatchedPipeline:
    """One file with its layers. Call `note`, then `wait`."""

    file: str
    overlays: Sequence[str] = ()
    overrides: Sequence[str] = ()
    _contents: dict[Path, bytes | _Stamp] = field(default_factory=dict)
    _listings: dict[Path, frozenset[str]] = field(default_factory=dict)
    _stamps: dict[Path, _Stamp] = field(default_factory=dict)
    _inputs: tuple[ExternalInput, ...] = ()
    _others: tuple[Path, ...] = ()
    """The files of pipelines whose results are read."""
    _ignored: tuple[Path, ...] = ()
    _cause: frozenset[Path] = frozenset()
    """The changes that started the present run."""
    _during: frozenset[Path] = frozenset()
    """The changes during the last run."""
    _events: FolderWatch | None = None

    def __post_init__(self) -> None:
        require_watchfiles()
        if not Path(self.file).is_file():  # later it may be missing for a moment
            raise UsageError(f"there is no file '{self.file}'")

    def note(self, source: PipelineSource | None, invalid: InvalidPipelineError | None = None) -> None:
        """Record what was read to make a pipeline from the file, or to find out that it is invalid, and watch it from now on."""
        self._contents, self._listings, self._stamps, self._inputs, self._others = {}, {}, {}, (), ()
        self._ignored = (StateFolder.of(find_root(Path(self.file))).path,)
        source = source or self._compiled(invalid)
        if source is not None:
            self._note_source(source)
        for path in (without_dots(Path(name)) for name in (self.file, *self.overlays)):
            self._contents.setdefault(path, _content(path))
        self._watch()

    def note_run(self, source: PipelineSource, report: RunReport) -> list[str]:
        """Also record what a run read: code that steps import, and what they opened directly.

        Returns the names of the files that the run rewrote, if only these had started it and the run before it had also
        rewritten them. Otherwise, it would continue forever, so their present state is accepted.
        """
        during = frozenset(self._changed())
        rewritten = self._cause if self._cause and self._cause <= during & self._during else frozenset()
        self._during = during
        self._take(rewritten)
        self._note_contents(source.modules.contents())
        root = source.pipeline.root
        witnesses = [result.record.witness for result in report.steps if result.record is not None]
        for touched in (each for witness in witnesses for each in witness.touched):
            path = root / touched.path
            if _is_ours(path) and touched.trace not in (Trace.FOLDER, Trace.TREE):
                self._stamps.setdefault(path, _stamp(path))
        self._watch()
        return sorted(os.path.relpath(path) for path in rewritten)

    def wait(self) -> list[str]:
        """Return the names of what changed since it was recorded, as soon as anything did.

        Raises:
            KeyboardInterrupt: at once.
        """
        while not (found := self._changed()):
            assert self._events is not None, "nothing is noted yet"
            self._events.wait()
        self._cause = frozenset(found)
        return [os.path.relpath(path) for path in found]

    @property
    def count(self) -> int:
        """The number of files that count."""
        return len(self._contents.keys() | self._stamps.keys())

    def _compiled(self, invalid: InvalidPipelineError | None) -> Compiled | None:
        """Compile the file again to find out what is read for it; None if it cannot even be read."""
        try:
            return compile_file(self.file, overlays=self.overlays, overrides=self.overrides, trusted=True)
        except InvalidPipelineError as unreadable:
            for name in {**unreadable.sources, **(invalid.sources if invalid else {})}:
                if Path(name).is_file():
                    self._contents[without_dots(Path(name))] = _content(Path(name))
            return None

    def _changed(self) -> list[Path]:
        found = [path for path, content in self._contents.items() if _content(path) != content]
        for folder, names in self._listings.items():
            found += [folder / name for name in sorted(_module_names(folder) ^ names)]
        now = {path: _stamp(path) for path in {*self._stamps, *self._input_files()}}
        found += sorted(path for path, stamp in now.items() if stamp != self._stamps.get(path))
        return list(dict.fromkeys(found))

    def _take(self, paths: Iterable[Path]) -> None:
        """Accept the present state of files."""
        for path in paths:
            if path in self._contents:
                self._contents[path] = _content(path)
            else:
                self._stamps[path] = _stamp(path)

    def _note_source(self, source: PipelineSource) -> None:
        self._note_contents(source.contents_read())
        self._note_listings(source.modules)
        spec = source.spec if isinstance(source, Compiled) else source.pipeline
        if spec is not None:
            inputs = external_inputs(spec.steps.values()).items()
            self._inputs = tuple(one for place, one in inputs if not is_remote(place))
            self._others = _other_pipelines(spec)
            self._stamps = {path: _stamp(path) for path in self._input_files()}
            self._ignored = (*self._ignored, *_places_of_store(spec))

    def _note_contents(self, contents: Mapping[str, bytes | None]) -> None:
        """Record what was read. For what could not be read, or not completely, record the present state."""
        for name, content in contents.items():
            path = Path(name)
            if path not in self._contents and _is_ours(path):
                is_part = content is None or len(content) >= _PART
                self._contents[path] = _content(path) if is_part else content

    def _note_listings(self, modules: DiskModules) -> None:
        for name in modules.listings():
            folder = Path(name)
            if _is_ours(folder) and folder.is_dir():
                self._listings[folder] = _module_names(folder)

    def _input_files(self) -> Iterator[Path]:
        yield from self._others
        for source in self._inputs:
            match source:
                case FileInput(path=path):
                    yield Path(path)
                case DirInput(path=path):
                    yield from (file for folder in self._below(Path(path)) for file in _files_in(folder))
                case FilesInput(pattern=pattern):
                    base, files = files_below(pattern)
                    yield from (base / name for name in files)

    def _watch(self) -> None:
        """Watch the folders of everything that counts. Events in folders that were already watched are kept."""
        folders = {_nearest(path.parent) for path in (*self._contents, *self._stamps)}
        folders |= {folder for folder in self._listings if folder.is_dir()}
        for source in self._inputs:
            if isinstance(source, DirInput):
                folders.update(self._below(Path(source.path)))
            elif isinstance(source, FilesInput):
                folders.update(self._below(files_below(source.pattern)[0]))
        if self._events is None or self._events.folders != folders:
            self._events = FolderWatch(folders, self._ignored)

    def _below(self, folder: Path) -> Iterator[Path]:
        """Yield a folder and all below it; for a folder that does not exist, the place where it would be."""
        if not folder.is_dir():
            yield _nearest(folder)
            return
        for place, names, _ in os.walk(folder):
            names[:] = [
                name for name in names if name not in _NEVER and Path(place, name) not in self._ignored
            ]
            yield Path(place)


def _content(path: Path) -> bytes | _Stamp:
    """Return what a file holds, and only its stamp if that is much; None if there is none.

    What has no size is not read: a file of the kernel, to which a link may lead, can make its reader wait for ever.
    """
    try:
        if not path.is_file():
            return None
        size = path.stat().st_size
        if size >= _PART:
            return _stamp(path)
        return path.read_bytes() if size else b""
    except OSError:
        return None


def _module_names(folder: Path) -> frozenset[str]:
    """Return the names in a folder that Python can import from source."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(
                entry.name
                for entry in entries
                if entry.name.endswith(".py")
                or (entry.is_dir() and entry.name.isidentifier() and any(Path(entry).glob("*.py")))
            )
    except OSError:
        return frozenset()


def _other_pipelines(spec: PipelineSpec) -> tuple[Path, ...]:
    sources = [declared.source for step in spec.steps.values() for declared in step.inputs.values()]
    others = [one for one in sources if isinstance(one, PipelineInput)]
    return tuple({Path(place): None for one in others for place in (one.path, *one.overlays)})


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _nearest(folder: Path) -> Path:
    """Return a folder, or the nearest existing one above it."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _files_in(folder: Path) -> Iterable[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _is_ours(path: Path) -> bool:
    """Return whether a file may belong to a project: not to an installed package or to Python."""
    return _NEVER.isdisjoint(path.parts) and not str(path).startswith(_PYTHON)


def _places_of_store(spec: PipelineSpec) -> Iterator[Path]:
    uri = store_uri(spec.mlflow.tracking_uri, spec.root)
    for place in store_places(uri, spec.root, spec.mlflow.artifact_location or ""):
        yield Path(place)
        yield from (Path(f"{place}{end}") for end in ("-journal", "-wal", "-shm"))
