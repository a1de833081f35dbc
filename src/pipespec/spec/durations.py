"""Durations as users write them: `30s`, `5m`, `2h`, `1d`."""

from __future__ import annotations

import re
from typing import Final

from pipespec.document.nodes import Node
from pipespec.spec.node_reading import text

__all__ = ["parse_duration", "read_duration", "seconds_of"]

_WRITTEN: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?[smhd]")
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(written: str) -> float:
    """Return the seconds of `30s` or `1.5h`. The schema has already checked the form."""
    return float(written[:-1]) * _SECONDS[written[-1]]


def seconds_of(written: str) -> float | None:
    """Return the seconds of a duration that has not been checked, or None if it is not a duration."""
    return parse_duration(written) if _WRITTEN.fullmatch(written) else None


def read_duration(node: Node | None) -> float | None:
    """Return the seconds of a duration in a document, or None if there is none."""
    written = text(node)
    try:
        return parse_duration(written) if written else None
    except (KeyError, ValueError):  # the schema has reported it
        return None
