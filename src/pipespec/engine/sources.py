"""Files that must stay what they were when the run was planned: the pipeline's own, and its code.

Takes absolute paths with the sha256 of what was read then. A run uses what it planned: rather than record under a
planned key what an edited file computes, the steps that have not begun fail, each with one line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pipespec.errors import PipespecError

__all__ = ["PlannedFiles", "changed_file"]


def changed_file(files: Mapping[str, str]) -> str | None:
    """Return the first of these files that is gone or has other content; None when all are as they were."""
    for path, digest in files.items():
        try:
            content = Path(path).read_bytes()
        except OSError:
            return path
        if hashlib.sha256(content).hexdigest() != digest:
            return path
    return None


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
            if changed_file({path: digest}) is not None:
                raise PipespecError(
                    f"'{path}' changed while the run went on; run again to use it as it is now"
                )
            if stamp is not None:
                self._stamps[path] = stamp


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
