"""How much memory a run can use on this machine: all of it, or what the control groups of this process allow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["machine_memory"]

_GROUPS: Final = Path("/sys/fs/cgroup")


def machine_memory() -> int:
    """Return the bytes."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *_group_limits()])


def _group_limits() -> Iterator[int]:
    """Yield the limits of the group of this process, and of the groups above it; nothing if the system has no groups."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, below = line.split(":", 2)
        if controllers in ("", "memory"):
            group = _GROUPS / controllers / below.lstrip("/")
            for folder in (group, *group.parents):
                for name in ("memory.max", "memory.limit_in_bytes"):
                    if limit := _number(folder / name):
                        yield limit


def _number(file: Path) -> int | None:
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() else None  # else 'max'
