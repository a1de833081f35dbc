"""The content of inputs in two versions of a pipeline, to distinguish a file that was moved from a different file.

Takes an external input and the source of its version: the disk, a git revision, or the manifests of a run. Returns the
digest of its content, or None if it is not known any more. It is called only for inputs that the other version does not
have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.errors import PipespecError
from pipespec.project.digest_memory import DigestMemory
from pipespec.project.git_revision import GitTree
from pipespec.project.input_digests import digest_input
from pipespec.project.input_presence import is_remote
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput
from pipespec.step.content_digest import tree_digest

__all__ = ["ExternalSource", "content_at_revision", "content_in_manifests", "content_on_disk"]

ExternalSource: TypeAlias = FileInput | DirInput | FilesInput

_LARGEST: Final = 64 << 20
"""Maximum size in bytes of a file that is read from git."""


def content_on_disk(root: Path) -> Callable[[ExternalSource], str | None]:
    """Return a function for the digests of local files and folders as they are. Nothing is fetched."""

    def digest(source: ExternalSource) -> str | None:
        if is_remote(source.pattern if isinstance(source, FilesInput) else source.path):
            return None
        try:
            with DigestMemory(root) as memory:
                return digest_input(source, memory).digest
        except PipespecError:
            return None

    return digest


def content_at_revision(tree: GitTree) -> Callable[[ExternalSource], str | None]:
    """Return a function for the digests of files in git.

    For a file that is not in git, it is the digest of the file on the disk, if it still exists.
    """
    on_disk = content_on_disk(tree.root)

    def digest(source: ExternalSource) -> str | None:
        if isinstance(source, FilesInput) or is_remote(source.path) or not tree.covers(Path(source.path)):
            return on_disk(source)
        try:
            match source:
                case FileInput(path=path):
                    return _sha256(tree, Path(path))
                case DirInput(path=path) if tree.names(Path(path)):
                    files = {name: _sha256(tree, file) for name, file in _files_below(tree, Path(path), "")}
                    return tree_digest(files)
        except (OSError, PipespecError):
            pass
        return on_disk(source)

    return digest


def content_in_manifests(manifests: Iterable[Mapping[str, JSON]]) -> Callable[[ExternalSource], str | None]:
    """Return a function for the digests that runs recorded of what they read."""
    known: dict[str, str] = {}
    for manifest in manifests:
        inputs = manifest.get("inputs")
        for told in inputs.values() if isinstance(inputs, dict) else ():
            match told:
                case {"external": str(text), "digest": str(digest)}:
                    known[text] = digest
    return lambda source: known.get(source.text)


def _files_below(tree: GitTree, folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for name in sorted(tree.names(folder)):
        path = folder / name
        if tree.is_folder(path):
            yield from _files_below(tree, path, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", path


def _sha256(tree: GitTree, path: Path) -> str:
    content = tree.read(path, _LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(f"{path} is larger than {_LARGEST >> 20} MiB")
    return hashlib.sha256(content).hexdigest()
