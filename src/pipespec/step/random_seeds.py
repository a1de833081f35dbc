"""Seed random numbers from the step's key: `random`, numpy's global state and torch start with the same state in every execution.

A library that is not loaded yet is seeded when it is loaded, so that no heavy library is loaded only to be seeded.
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
"""Modules with a random initial state, but not in a process forked after they were loaded. torch always starts with the same."""


def seed_all(seed: int | None) -> None:
    """Seed the loaded modules with a number below 2 ** 63; without a seed, as each library does itself when it is loaded."""
    for name, plant in _SEEDED.items():
        module = sys.modules.get(name)
        if module is not None and (seed is not None or name in _DRAWING):
            with suppress(AttributeError):  # a module of the user with that name
                module.seed() if seed is None else plant(seed, module)


def seed_on_import(seed: int | None) -> None:
    """Seed the other modules when they are loaded, if there is a seed."""
    if seed is not None:
        act_after_import({name: partial(plant, seed) for name, plant in _SEEDED.items()})
