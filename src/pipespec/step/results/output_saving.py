"""Save the outputs of a step: their places in staging, writing returned values, and checks before they are published.

Takes a staging folder and the results of a call. Returns a `SavedOutput` with digests for each declared output. Refuses
missing outputs, hard links, pipes and devices, and names that some store does not return unchanged. Nothing is synced
to the disk here: the publisher does this, where the outputs are finally stored.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pipespec.document.wording import quote
from pipespec.step import formats
from pipespec.step.arguments.verified_content import copy_file
from pipespec.step.content_digest import ContentError, digest_file, tree_digest, walk_files
from pipespec.step.failure import StepError, one_line, shown
from pipespec.step.frame_contracts import fitted
from pipespec.step.model_files import MLMODEL
from pipespec.step.results.output_taking import require_unwritten
from pipespec.step.step_job import OutputJob, SavedOutput, taken_outputs, written_outputs

__all__ = [
    "LONGEST_LIST",
    "MAX_FILES",
    "check_output",
    "fitted_output",
    "is_directory",
    "make_place",
    "naming",
    "save_output",
    "undeclared",
]

MAX_FILES: Final = 50_000
"""Maximum number of files in one directory output: each file is one request to an artifact store."""

LONGEST_LIST: Final = 4_000
"""Maximum number of characters of a list, as compact JSON, that is reported with its digest."""

_LIST_BYTES: Final = 16 * LONGEST_LIST  # indented, and with every character in four bytes
_LONGEST_NAME: Final = 512  # bytes; S3 allows keys of 1,024 bytes, and the run's folder is part of the key


def is_directory(output: OutputJob) -> bool:
    """Return whether an output is a directory."""
    return output.file.endswith("/")


def make_place(staging: Path, output: OutputJob, *, empty_directory: bool) -> Path:
    """Return the place of an output. Its parent folders are created; the directory itself is created if it is wanted."""
    place = written_outputs(staging) / output.file
    place.parent.mkdir(parents=True, exist_ok=True)
    if empty_directory and is_directory(output):
        place.mkdir()
    return place


def save_output(
    value: object, place: Path, output: OutputJob, call: Callable[..., Any] | None = None
) -> None:
    """Write a returned value to its place. `call` is the function of `save_call`.

    A value that is a path stands for the content at that path, whatever the suffix.

    Raises:
        StepError: of kind `outputs`, naming the output. What `call` raises is not wrapped.
    """
    if call is not None:
        call(value, place)
        return
    with naming(output):
        if isinstance(value, os.PathLike):
            _take(Path(value), place, output)
        elif is_directory(output):
            raise StepError(
                "outputs",
                "it is a directory; return its Path, or write it to the path in an argument of the same name",
            )
        else:
            formats.save(value, place, output.file, output.save or {})


def fitted_output(value: object, output: OutputJob, annotation: Any) -> Any:
    """Return a returned value as converted by the model in its annotation, if there is one.

    Raises:
        StepError: of kind `outputs`, naming the output.
    """
    with naming(output):
        return fitted(value, annotation, "outputs")


def check_output(place: Path, output: OutputJob) -> SavedOutput:
    """Check that an output exists and can be published, and compute its digest.

    `place` is without links, as far as its staging folder is. Symbolic links at it and below it are replaced by their
    targets.

    Raises:
        StepError: of kind `outputs`, naming the output.
    """
    with naming(output):
        if not os.path.lexists(place):
            raise ContentError("no file was written to its path")
        if place.parent.resolve() != place.parent:
            raise ContentError("there is a symbolic link on the way to its path")
        _keep_links_as_files(place)
        saved = _directory(place, output) if is_directory(output) else _file(place, output)
        if output.model is not None and MLMODEL not in saved.manifest:
            raise ContentError(f"the folder is not an MLflow model: it has no file {quote(MLMODEL)}")
        if output.schema is not None:
            from pipespec.step.data_contracts import require_fit  # noqa: PLC0415 - few outputs have a schema

            require_fit(place, output.file, output.schema, "outputs")
        return saved


def undeclared(staging: Path, outputs: Sequence[OutputJob]) -> tuple[str, ...]:
    """Return the files next to the outputs that no output declares, sorted. They are not kept."""
    folder = taken_outputs(staging)
    declared = {output.file for output in outputs if not is_directory(output)}
    directories = tuple(output.file for output in outputs if is_directory(output))
    start = len(str(folder)) + 1
    found = (f"{place}{os.sep}{name}"[start:] for place, _, names in os.walk(folder) for name in names)
    return tuple(sorted(name for name in found if name not in declared and not name.startswith(directories)))


def _take(source: Path, place: Path, output: OutputJob) -> None:
    if place.exists() and place.samefile(source):
        return
    if not is_directory(output):
        copy_file(source, place)
        return
    if not source.is_dir():
        raise ContentError(f"the path {shown(source)} that was returned is not a directory")
    place.mkdir(exist_ok=True)
    for name, path in walk_files(source, links_to=None):
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_file(path, target, follow=False)


def _keep_links_as_files(place: Path) -> None:
    """Replace symbolic links by copies of their targets, because the targets may not be kept."""
    if not place.is_symlink() and not any(
        Path(folder, name).is_symlink() for folder, *below in os.walk(place) for name in chain(*below)
    ):
        return
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        kept = Path(scratch, place.name)
        if place.is_dir():
            kept.mkdir()
            for name, path in _few([*walk_files(place, links_to=None)]):
                target = kept / name
                target.parent.mkdir(parents=True, exist_ok=True)
                copy_file(path, target, follow=False)
        elif place.exists():
            copy_file(place, kept)
        else:
            raise ContentError("the symbolic link at its path leads to nothing")
        place.rename(Path(scratch, "replaced"))
        kept.rename(place)


def _file(place: Path, output: OutputJob) -> SavedOutput:
    require_unwritten(place, place.name)
    digest, size = digest_file(place)
    _require_sole(place, place.name)
    values = _short_list(place) if output.file.endswith(".json") and size <= _LIST_BYTES else None
    executable = (place.name,) if _is_executable(place) else ()
    return SavedOutput(output.name, output.file, digest, size, 1, values=values, executable=executable)


def _is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)


def _short_list(place: Path) -> str | None:
    """Return the JSON list in a file, compact, if the file contains one and it is short enough for a tag."""
    try:
        value = json.loads(place.read_bytes())
        compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return compact if isinstance(value, list) and len(compact) <= LONGEST_LIST else None


def _directory(place: Path, output: OutputJob) -> SavedOutput:
    if not place.is_dir():
        raise ContentError("there is no directory at its path")
    files = _few([*walk_files(place)])
    if not files:
        raise ContentError("the directory contains no file")
    _require_names(files, place)
    manifest: dict[str, str] = {}
    total = 0
    for name, path in files:
        require_unwritten(path, name)
        _require_sole(path, name)
        manifest[name], size = digest_file(path)
        total += size
    executable = tuple(name for name, path in files if _is_executable(path))
    return SavedOutput(
        output.name,
        output.file,
        tree_digest(manifest),
        total,
        len(manifest),
        manifest,
        executable=executable,
    )


def _few(files: Sequence[tuple[str, Path]]) -> Sequence[tuple[str, Path]]:
    if len(files) > MAX_FILES:
        raise ContentError(f"it has {len(files)} files, more than {MAX_FILES}; combine them into fewer files")
    return files


def _require_names(files: Sequence[tuple[str, Path]], place: Path) -> None:
    spellings: dict[str, str] = {}
    for name, path in files:
        written = path.relative_to(place).as_posix()
        bad = next((character for character in written if not character.isprintable()), None)
        if bad is not None:
            raise ContentError(
                f"{quote(written)} has {bad!r} in its name, which not every artifact store supports"
            )
        if name != written:
            raise ContentError(
                f"the name '{written}' is not in Unicode normal form C, which not every system preserves"
            )
        if len(name.encode()) > _LONGEST_NAME:
            raise ContentError(f"the name {quote(name)} is longer than {_LONGEST_NAME} bytes")
        other = spellings.setdefault(name.casefold(), name)
        if other != name:
            raise ContentError(
                f"'{other}' and '{name}' are the same file on systems that ignore upper and lower case"
            )


def _require_sole(path: Path, name: str) -> None:
    if path.lstat().st_nlink > 1:
        raise ContentError(
            f"'{name}' is a hard link, so its content could be changed through its other name; write a copy"
        )


@contextlib.contextmanager
def naming(output: OutputJob) -> Iterator[None]:
    """Add the name of an output to errors about it."""
    try:
        yield
    except formats.FormatError as error:
        raise StepError("outputs", f"output {quote(output.name)}: {error}") from error.__cause__
    except (ContentError, OSError, StepError) as error:
        details = error.details if isinstance(error, StepError) else ""
        message = f"output {quote(output.name)}: {one_line(str(error))}"
        raise StepError("outputs", message, details=details) from error.__cause__
