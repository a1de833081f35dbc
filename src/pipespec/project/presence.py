"""Where external inputs are, and whether they are there; what is in them is `inputs`' matter.

A URI's server is never asked here: a stranger's file must not make us open a connection.
"""

from __future__ import annotations

import glob
from pathlib import Path

from pipespec.spec.model import DirInput, FileInput, FilesInput

__all__ = ["files_below", "input_exists", "is_remote", "matching_files"]


def is_remote(location: str) -> bool:
    """Tell a URI from a path: `s3://bucket/x`, not `/data/x`."""
    return "://" in location


def input_exists(source: FileInput | DirInput | FilesInput) -> bool:
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
