"""Compute the records of the content of external inputs.

Takes the files, folders and globs that a pipeline names. Returns an `OutputRecord` of each, by the common rule of
`step.content_digest`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipespec.errors import UsageError
from pipespec.plan.records import OutputRecord
from pipespec.project.digest_memory import DigestMemory
from pipespec.project.input_presence import files_below, folder_files, is_remote
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput
from pipespec.state_folder import StateFolder
from pipespec.step.content_digest import ContentError, tree_digest

__all__ = ["digest_input"]

_LISTED: Final = 1000
"""Up to this number of files, the record of a folder or pattern contains each digest."""


def digest_input(source: FileInput | DirInput | FilesInput, memory: DigestMemory) -> OutputRecord:
    """Return the record of an external input's content as it is now.

    For a folder, and for the files that match a glob, the digest is computed from their sorted names and digests. Names
    are relative to the folder, or to the part of the pattern that has no wildcard. The file system of a URI is asked
    for version or etag before content.

    Raises:
        UsageError: if it does not exist, or cannot be read.
        ContentError: if something there cannot be content: a pipe, or a link in a folder that leads out of
            the project.
    """
    location = source.pattern if isinstance(source, FilesInput) else source.path
    try:
        if is_remote(location):
            from pipespec.project.remote_inputs import digest_remote  # noqa: PLC0415 - few pipelines have such inputs

            return digest_remote(source, StateFolder.of(memory.root))
        match source:
            case FileInput(path=path):
                digest, size = memory.digest(Path(path))
                return OutputRecord(digest, size, 1, Path(path).name)
            case DirInput(path=path):
                files = dict(folder_files(source, memory.root))
                return _digest_all(files, f"{Path(path).name}/", memory)
            case FilesInput(pattern=pattern):
                base, files = files_below(pattern)
                if not files:
                    raise UsageError(f"no file matches '{source.text}'")
                return _digest_all(files, f"{base.name}/", memory)
    except FileNotFoundError:
        raise UsageError(f"there is no '{source.text}'") from None
    except ContentError as error:
        raise ContentError(f"'{source.text}' cannot be read: {error}") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(f"'{source.text}' cannot be read: {reason}") from error


def _digest_all(files: Mapping[str, Path], file: str, memory: DigestMemory) -> OutputRecord:
    found = memory.digest_all(files, file)
    manifest = {name: digest for name, (digest, _) in found.items()}
    size = sum(count for _, count in found.values())
    listed = manifest if len(manifest) <= _LISTED else {}
    return OutputRecord(tree_digest(manifest), size, len(manifest), file, listed)
