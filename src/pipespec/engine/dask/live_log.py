"""The log of a step on a machine that the user does not see: sent in pieces while it grows, and completely at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

__all__ = ["LiveLog", "Piece"]

Piece: TypeAlias = tuple[int, bytes]
"""The position in the log, and the text. Therefore pieces may arrive late, or twice."""

_PIECE: Final = 64 << 10
_MOST: Final = 1 << 20
"""Number of bytes that are sent live: the scheduler keeps them in memory."""


class LiveLog:
    """Follows a log, and passes new text to `send`."""

    def __init__(self, path: Path, send: Callable[[Piece], None]) -> None:
        self._path = path
        self._send = send
        self._sent = 0

    def send(self) -> None:
        """Send new text, at most one piece."""
        if self._sent >= _MOST or not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._sent)
            piece = log.read(_PIECE)
        if piece:
            self._send((self._sent, piece))
            self._sent += len(piece)

    def whole(self) -> bytes:
        """Return the whole log, as the step left it: of limited size, and without secrets."""
        return self._path.read_bytes() if self._path.exists() else b""
