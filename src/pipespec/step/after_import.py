"""Do something with a library once it is loaded, and load nothing heavy for its sake."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, TypeAlias

__all__ = ["Action", "act_after_import"]

Action: TypeAlias = Callable[[Any], object]
"""Is called with the module."""


def act_after_import(actions: Mapping[str, Action]) -> None:
    """Let each action be called when the module of its name is loaded from now on."""
    sys.meta_path.insert(0, _Finder(actions))


class _Finder(MetaPathFinder):
    """Finds nothing itself; wraps what the others find, to act once the module is there."""

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._actions = actions
        self._asking: set[str] = set()

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname not in self._actions or fullname in self._asking:
            return None
        self._asking.add(fullname)
        try:
            spec = find_spec(fullname)
        finally:
            self._asking.discard(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Acting(spec.loader, self._actions[fullname])
        return spec


class _Acting(Loader):
    """Stands in for a module's loader until it has loaded it, and acts then."""

    def __init__(self, loader: Loader, action: Action) -> None:
        self._loader = loader
        self._action = action

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        with suppress(
            AttributeError
        ):  # a module of the user's may have the library's name, and nothing of it
            self._action(module)
