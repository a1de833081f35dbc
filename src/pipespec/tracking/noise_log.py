"""A log file for messages of libraries. If it cannot be written, the messages are dropped.

Takes a path. A full disk or a folder that cannot be written is reported by the code that depends on it, not by
`logging`, which would print a traceback for each line.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

__all__ = ["NoiseLog"]


class NoiseLog(logging.FileHandler):
    """Appends to a file that is created with the first line. Errors are ignored."""

    def __init__(self, log: Path, form: str) -> None:
        super().__init__(log, delay=True, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(logging.Formatter(form))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, if possible."""
        with contextlib.suppress(OSError, ValueError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Ignore that a line could not be written."""

    def close(self) -> None:
        """Close the file, even if the rest could not be written."""
        with contextlib.suppress(OSError):
            super().close()
