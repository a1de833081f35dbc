"""Random numbers from the step's key: `random`, numpy's global state and torch begin alike in every execution.

A library that is not loaded yet is seeded when it is, so nothing heavy is loaded for the sake of a seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

__all__ = ["seed_all", "seed_on_import"]

_SEEDED: Final[Mapping[str, Callable[[Any, int], object]]] = {
    "random": lambda module, seed: module.seed(seed),
    "numpy.random": lambda module, seed: module.seed(seed % 2**32),
    "torch": lambda module, seed: module.manual_seed(seed),
}


def seed_all(seed: int) -> None:
    """Seed what is loaded; `seed` is not negative and below 2 ** 63."""
    for name, plant in _SEEDED.items():
        module = sys.modules.get(name)
        if module is not None:
            plant(module, seed)


def seed_on_import(seed: int) -> None:
    """Seed the rest when it is loaded."""
    sys.meta_path.insert(0, _Finder(seed))


class _Finder(MetaPathFinder):
    """Finds nothing itself; wraps what the others find, to act once the module is there."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asking = False

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname not in _SEEDED or self._asking:
            return None
        self._asking = True
        try:
            spec = find_spec(fullname)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Seeding(spec.loader, _SEEDED[fullname], self._seed)
        return spec


class _Seeding(Loader):
    """Stands in for a module's loader until it has loaded it, and seeds it then."""

    def __init__(self, loader: Loader, plant: Callable[[Any, int], object], seed: int) -> None:
        self._loader = loader
        self._plant = plant
        self._seed = seed

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._plant(module, self._seed)
