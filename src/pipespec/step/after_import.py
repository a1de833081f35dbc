"""Run an action when a library is loaded, without loading the library for it."""

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
"""An action. It is called with the module."""


def act_after_import(actions: Mapping[str, Action]) -> None:
    """Call each action when the module of its name is loaded from now on."""
    sys.meta_path.insert(0, _Finder(actions))


class _Finder(MetaPathFinder):
    """Finds no modules itself. It wraps the results of the other finders, to run the action after the module is loaded."""

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
    """Replaces the loader of a module until the module is loaded, then runs the action."""

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
        ):  # a module of the user may have the same name as the library, but none of its functions
            self._action(module)
