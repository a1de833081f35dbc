"""Assign GPUs to steps according to their `resources`: with `{gpu: 1}`, a step has a GPU that no other step of the run has.

Takes amounts. Returns `CUDA_VISIBLE_DEVICES`. The devices are those that this process may use, or the first ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["VARIABLE", "Devices"]

VARIABLE: Final = "CUDA_VISIBLE_DEVICES"
_NAMES: Final = frozenset({"gpu", "gpus"})


class Devices:
    """The GPUs of one run on this machine. Used from one thread."""

    def __init__(self, totals: Mapping[str, int], visible: str | None) -> None:
        """Use as many of the `visible` devices as `totals` of resources says; one by default."""
        count = max((amount for name, amount in totals.items() if name.lower() in _NAMES), default=1)
        self._free = (
            [name.strip() for name in visible.split(",")] if visible else list(map(str, range(count)))
        )
        self._taken: dict[str, list[str]] = {}

    def hand_out(self, step: str, resources: Mapping[str, int]) -> dict[str, str]:
        """Return the environment of a step: empty if it requests no GPU, or more than exist."""
        amount = sum(count for name, count in resources.items() if name.lower() in _NAMES)
        if not 0 < amount <= len(self._free):
            return {}
        self._taken[step], self._free = self._free[:amount], self._free[amount:]
        return {VARIABLE: ",".join(self._taken[step])}

    def take_back(self, step: str) -> None:
        """Make the devices of a step available to others."""
        self._free = sorted([*self._free, *self._taken.pop(step, [])], key=_place)


def _place(device: str) -> tuple[int, str]:
    return (int(device) if device.isdecimal() else 0, device)
