"""A step's log as its run stores it: complete, or only its two ends."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipespec.errors import counted

__all__ = ["ends_of"]

_PART: Final = 8 << 20
"""Number of bytes kept of the beginning and of the end of a log that is longer than both together."""


def ends_of(log: Path) -> bytes:
    """Return the content of a log file, with a mark in place of the middle of a very long one."""
    size = log.stat().st_size
    with log.open("rb") as file:
        if size <= 2 * _PART:
            return file.read(2 * _PART)
        beginning = file.read(_PART)
        file.seek(size - _PART)
        mark = f"\n... ({counted(size - 2 * _PART, 'byte')} left out) ...\n"
        return beginning + mark.encode() + file.read(_PART)
