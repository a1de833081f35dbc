"""Keep the bytes of planned code in a folder of one run, each in a file named by its digest.

Takes files with their bytes as they were parsed. Returns the digests, by which workers find the bytes. A run continues
with the code that it planned, whoever edits the files meanwhile. The folder is removed with the run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

__all__ = ["SourceSnapshot"]


class SourceSnapshot:
    """Stores each content once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._digests: dict[bytes, str] = {}

    def keep(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Store the bytes of these files, and return the sha256 of each file."""
        return {file: self._digest(content) for file, content in files.items()}

    def _digest(self, content: bytes) -> str:
        if content not in self._digests:
            digest = hashlib.sha256(content).hexdigest()
            self._write(digest, content)
            self._digests[content] = digest
        elif not self.folder.joinpath(self._digests[content]).exists():  # a step removed it
            self._write(self._digests[content], content)
        return self._digests[content]

    def _write(self, digest: str, content: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.joinpath(digest).write_bytes(content)
