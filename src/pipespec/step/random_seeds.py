"""Random numbers from the step's key: `random`, numpy's global state and torch begin alike in every execution.

A library that is not loaded yet is seeded when it is, so nothing heavy is loaded for the sake of a seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from pipespec.step.after_import import act_after_import

__all__ = ["seed_all", "seed_on_import"]

_SEEDED: Final[Mapping[str, Callable[[int, Any], object]]] = {
    "random": lambda seed, module: module.seed(seed),
    "numpy.random": lambda seed, module: module.seed(seed % 2**32),
    "torch": lambda seed, module: module.manual_seed(seed),
}

_DRAWING: Final = ("random", "numpy.random")
"""What starts anywhere by itself, but not in a process that was forked when it was loaded. torch always starts alike."""


def seed_all(seed: int | None) -> None:
    """Seed what is loaded, with a number below 2 ** 63; without one, as each library does by itself where it is loaded."""
    for name, plant in _SEEDED.items():
        module = sys.modules.get(name)
        if module is not None and (seed is not None or name in _DRAWING):
            with suppress(AttributeError):  # a module of the user's with that name
                module.seed() if seed is None else plant(seed, module)


def seed_on_import(seed: int | None) -> None:
    """Seed the rest when it is loaded, where there is a seed."""
    if seed is not None:
        act_after_import({name: partial(plant, seed) for name, plant in _SEEDED.items()})
