"""A pipeline that is run again when what it is made of changes: what of it was read, where that is, what of it is another now.

Takes a file with its layers; gives pipelines, and the names of what changed. What counts are the pipeline's files, the project's code
as far as it was read, declared inputs, and what steps opened by themselves in their last run. Contents of pipeline files and
code are compared; of inputs their sizes and times. A file that run after run changes by itself starts no run any more.
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
"""Folders in which nothing of a project is written by hand."""

_PYTHON: Final = f"{Path(os.__file__).parent}{os.sep}"
"""Where the modules of Python itself and of packages are."""

_PART: Final = 1 << 20
"""Bytes from which on only the beginning of a file may have been read."""

_Stamp = tuple[int, int, int] | None


@dataclass(slots=True)
class WatchedPipeline:
    """One file with its layers; ask `changed` after `note`, and `wait` in between."""

    file: str
    overlays: Sequence[str] = ()
    overrides: Sequence[str] = ()
    _contents: dict[Path, bytes | None] = field(default_factory=dict)
    _listings: dict[Path, frozenset[str]] = field(default_factory=dict)
    _stamps: dict[Path, _Stamp] = field(default_factory=dict)
    _inputs: tuple[ExternalInput, ...] = ()
    _others: tuple[Path, ...] = ()
    """The files of pipelines whose results are read."""
    _ignored: tuple[Path, ...] = ()
    _cause: frozenset[Path] = frozenset()
    """What the present run was started by."""
    _during: frozenset[Path] = frozenset()
    """What changed while the last run went on."""
    _events: FolderWatch | None = None

    def __post_init__(self) -> None:
        require_watchfiles()
        if not Path(self.file).is_file():  # later it may be missing for a moment
            raise UsageError(f"there is no file '{self.file}'")

    def note(self, source: PipelineSource | None, invalid: InvalidPipelineError | None = None) -> None:
        """Know what was read to make a pipeline of the file, or to find out that it is invalid; watch that from now on."""
        self._contents, self._listings, self._stamps, self._inputs, self._others = {}, {}, {}, (), ()
        self._ignored = (StateFolder.of(find_root(Path(self.file))).path,)
        source = source or self._compiled(invalid)
        if source is not None:
            self._note_source(source)
        for path in (without_dots(Path(name)) for name in (self.file, *self.overlays)):
            self._contents.setdefault(path, _content(path))
        self._watch()

    def note_run(self, source: PipelineSource, report: RunReport) -> list[str]:
        """Know also what a run read: code that steps import, and what they opened by themselves.

        Returns the names of what the run rewrote, where that is all that it was started by and what the run before it
        rewrote, too: it would go on for ever, so they are taken as they are now.
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
        """Return the names of what changed since it was noted, as soon as anything did.

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
        """Compile the file once more, for what was read of it; None where it cannot even be read."""
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
        """Let files count as they are now."""
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
        """Keep what was read; of what could not be read, or not as a whole, what is there now."""
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
        """Watch the folders of all that counts; what happened in those watched before stays known."""
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
        """Yield a folder and all below it; of one that is not there, where it would be."""
        if not folder.is_dir():
            yield _nearest(folder)
            return
        for place, names, _ in os.walk(folder):
            names[:] = [
                name for name in names if name not in _NEVER and Path(place, name) not in self._ignored
            ]
            yield Path(place)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() else None
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
    """Return a folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _files_in(folder: Path) -> Iterable[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _is_ours(path: Path) -> bool:
    """Say whether a file may be a project's: not of an installed package or of Python."""
    return _NEVER.isdisjoint(path.parts) and not str(path).startswith(_PYTHON)


def _places_of_store(spec: PipelineSpec) -> Iterator[Path]:
    uri = store_uri(spec.mlflow.tracking_uri, spec.root)
    for place in store_places(uri, spec.root, spec.mlflow.artifact_location or ""):
        yield Path(place)
        yield from (Path(f"{place}{end}") for end in ("-journal", "-wal", "-shm"))
