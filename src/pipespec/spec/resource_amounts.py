"""Amounts of resources: whole numbers, and sizes such as `4GiB` for `memory`. Pure.

Takes the node of an amount. Returns a whole number, which is in bytes for memory, and the spelling of such a number.
"""

from __future__ import annotations

import re
from typing import Final

from pipespec.document.nodes import Node
from pipespec.spec.node_reading import text, whole_number

__all__ = ["MEMORY", "expected_amount", "read_amount", "spelled_amount"]

MEMORY: Final = "memory"
"""The resource that each machine has for itself, and that is measured in bytes."""

_SIZE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(kB|KiB|MB|MiB|GB|GiB|TB|TiB)")
_BYTES: Final = {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", start=1)} | {
    f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", start=1)
}


def read_amount(name: str, node: Node | None) -> int | None:
    """Return the amount that a node contains, or None if it is not an amount."""
    if name != MEMORY:
        amount = whole_number(node)
        return amount if amount is not None and amount >= 0 else None
    found = _SIZE.fullmatch(text(node) or "")
    return None if found is None else round(float(found[1]) * _BYTES[found[2]])


def expected_amount(name: str) -> str:
    """Return a description of a valid amount of a resource."""
    return "a size such as 4GiB or 500MB" if name == MEMORY else "a whole number from 0"


def spelled_amount(name: str, amount: int) -> str:
    """Return the spelling of an amount: memory in a unit that gives a whole number, or else with one decimal."""
    return _spelled_size(amount) if name == MEMORY else str(amount)


def _spelled_size(amount: int) -> str:
    units = sorted(_BYTES.items(), key=lambda one: -one[1])
    for unit, size in units:
        if amount >= size and amount % size == 0:
            return f"{amount // size}{unit}"
    unit, size = next((one for one in units if amount >= one[1]), units[-1])
    return f"{amount / size:.1f}{unit}"
