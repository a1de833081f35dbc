"""Where external inputs are, and whether they are there; `input_digests` reads what is in them.

A URI's server is never asked here: a stranger's file must not make us open a connection.
"""

from __future__ import annotations

import glob
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
    """Return an input as texts: its kind, where it is, and how the user wrote that."""
    match source:
        case FileInput(path=place):
            return "file", place, source.text
        case DirInput(path=place):
            return "dir", place, source.text
        case FilesInput(pattern=place):
            return "files", place, source.text


def to_source(kind: str, place: str, text: str) -> ExternalInput:
    """Return the input that `to_place` told."""
    return _KINDS[kind](place, text)


def is_remote(location: str) -> bool:
    """Tell a URI from a path: `s3://bucket/x`, not `/data/x`."""
    return "://" in location


def input_exists(source: ExternalInput) -> bool:
    """Tell whether there is a file, a folder, or at least one file that fits; of a URI only a run finds out."""
    location = source.pattern if isinstance(source, FilesInput) else source.path
    if is_remote(location):
        return True
    match source:
        case FileInput(path=path):
            return Path(path).is_file()
        case DirInput(path=path):
            return Path(path).is_dir()
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
    """Say why what is below a folder cannot be content: a link out of the project, a pipe. None where it can be.

    Links may lead to what is below the folder itself, or below the project's root.
    """
    if is_remote(source.path):
        return None
    from pipespec.step.content_digest import ContentError  # noqa: PLC0415 - as below

    try:
        next(folder_files(source, root), None)
    except (ContentError, OSError) as error:
        return str(error)
    return None


def folder_files(source: DirInput, root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of an input folder by their names, sorted; raises as `walk_files`."""
    # Late: `validate` has no use for it where no input is a folder.
    from pipespec.step.content_digest import walk_files  # noqa: PLC0415

    folder = Path(source.path)
    return walk_files(folder, links_to=(folder, root))


def matching_files(pattern: str) -> dict[str, Path]:
    """Return the files that a glob finds, by their names below the part without wildcards, sorted."""
    return files_below(pattern)[1]


def files_below(pattern: str) -> tuple[Path, dict[str, Path]]:
    """Return the folder before the first wildcard, and the files that fit by their names below it."""
    plain = Path(pattern).parts
    fixed = next((i for i, part in enumerate(plain) if glob.has_magic(part)), len(plain) - 1)
    base = Path(*plain[:fixed])
    paths = (Path(found) for found in glob.glob(pattern, recursive=True))  # noqa: PTH207 - a shell's rule: `*` passes hidden files over
    return base, {path.relative_to(base).as_posix(): path for path in sorted(paths) if path.is_file()}
