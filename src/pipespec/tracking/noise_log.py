"""A log file for what libraries say, which nobody waits for: where it cannot be written, nothing is.

Takes a path. A disk that is full, or a folder that cannot be written, is told where it matters, not by `logging`, which would
print a traceback for each line.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

__all__ = ["NoiseLog"]


class NoiseLog(logging.FileHandler):
    """Appends to a file that is made with the first line, and gives up quietly."""

    def __init__(self, log: Path, form: str) -> None:
        super().__init__(log, delay=True, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(logging.Formatter(form))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, if that can be."""
        with contextlib.suppress(OSError, ValueError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing of a line that could not be written."""

    def close(self) -> None:
        """Let go of the file, whether what is left could be written or not."""
        with contextlib.suppress(OSError):
            super().close()
