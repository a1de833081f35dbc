"""Files that must stay what they were when the run was planned: those that the pipeline was read from.

Takes absolute paths with the sha256 of what was read then. A run uses what it planned: rather than record under a
planned key what an edited file asks for, the steps that have not begun fail, each with one line. The code of a
step is looked at by its worker, around the import.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipespec.errors import PipespecError
from pipespec.step.digest import digest_file

__all__ = ["PlannedFiles"]


class PlannedFiles:
    """Files that are looked at again and again: read only where a stat says that something happened."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._stamps: dict[str, tuple[int, ...]] = {}

    def require_unchanged(self) -> None:
        """Look at all of them.

        Raises:
            PipespecError: naming the first that changed.
        """
        for path, digest in self._files.items():
            stamp = _stamp(path)
            if stamp is not None and self._stamps.get(path) == stamp:
                continue
            if stamp is None or _digest(path) != digest:
                raise PipespecError(
                    f"'{path}' changed while the run went on; run again to use it as it is now"
                )
            self._stamps[path] = stamp


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _digest(path: str) -> str | None:
    try:
        return digest_file(Path(path))[0]
    except (OSError, PipespecError):
        return None
