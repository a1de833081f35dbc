"""Where external inputs are, and whether they exist. `input_digests` reads their content.

The server of a URI is never contacted here: a stranger's file must not make us open a connection.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, StepSpec

__all__ = [
    "ExternalInput",
    "content_problem",
    "external_inputs",
    "files_below",
    "folder_files",
    "input_exists",
    "is_remote",
    "matching_files",
    "siblings",
    "to_place",
    "to_source",
]

ExternalInput: TypeAlias = FileInput | DirInput | FilesInput

_KINDS: Final[Mapping[str, type[FileInput | DirInput | FilesInput]]] = {
    "file": FileInput,
    "dir": DirInput,
    "files": FilesInput,
}


def external_inputs(steps: Iterable[StepSpec]) -> dict[str, ExternalInput]:
    """Return the files, folders and patterns that steps read, by path or pattern."""
    sources = (declared.source for step in steps for declared in step.inputs.values())
    return {to_place(source)[1]: source for source in sources if isinstance(source, ExternalInput)}


def to_place(source: ExternalInput) -> tuple[str, str, str]:
    """Return an input as texts: its kind, its path, and the text that the user wrote."""
    match source:
        case FileInput(path=place):
            return "file", place, source.text
        case DirInput(path=place):
            return "dir", place, source.text
        case FilesInput(pattern=place):
            return "files", place, source.text


def to_source(kind: str, place: str, text: str) -> ExternalInput:
    """Return the input from the result of `to_place`."""
    return _KINDS[kind](place, text)


def is_remote(location: str) -> bool:
    """Return whether it is a URI and not a path: `s3://bucket/x`, not `/data/x`."""
    return "://" in location


def input_exists(source: ExternalInput) -> bool:
    """Return whether there is a file, a folder, or at least one matching file. For a URI, only a run finds out."""
    location = source.pattern if isinstance(source, FilesInput) else source.path
    if is_remote(location):
        return True
    match source:
        case FileInput(path=path):
            return os.path.isfile(path)  # noqa: PTH113 - a name that is too long is no file; a `Path` raises
        case DirInput(path=path):
            return os.path.isdir(path)  # noqa: PTH112 - as above
        case FilesInput(pattern=pattern):
            return bool(matching_files(pattern))


def siblings(path: str) -> tuple[str, ...]:
    """Return the names of what is in the folder of a path, sorted; nothing of a server's."""
    if is_remote(path):
        return ()
    try:
        return tuple(sorted(one.name for one in Path(path).parent.iterdir()))
    except OSError:
        return ()


def content_problem(source: DirInput, root: Path) -> str | None:
    """Say why something below a folder cannot be content: a link out of the project, a pipe. None if everything can be.

    Links may lead to what is below the folder itself, or below the project root.
    """
    if is_remote(source.path):
        return None
    from pipespec.step.content_digest import ContentError  # noqa: PLC0415 - see below

    try:
        next(folder_files(source, root), None)
    except (ContentError, OSError) as error:
        return str(error)
    return None


def folder_files(source: DirInput, root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of an input folder by their names, sorted. Raises the same errors as `walk_files`."""
    # Imported late: `validate` does not need it if no input is a folder.
    from pipespec.step.content_digest import walk_files  # noqa: PLC0415

    folder = Path(source.path)
    return walk_files(folder, links_to=(folder, root))


def matching_files(pattern: str) -> dict[str, Path]:
    """Return the files that match a glob, by their names below the part without wildcards, sorted."""
    return files_below(pattern)[1]


def files_below(pattern: str) -> tuple[Path, dict[str, Path]]:
    """Return the folder before the first wildcard, and the matching files by their names below it."""
    plain = Path(pattern).parts
    fixed = next((i for i, part in enumerate(plain) if glob.has_magic(part)), len(plain) - 1)
    base = Path(*plain[:fixed])
    paths = (Path(found) for found in glob.glob(pattern, recursive=True))  # noqa: PTH207 - as in a shell, `*` does not match hidden files
    return base, {path.relative_to(base).as_posix(): path for path in sorted(paths) if path.is_file()}
