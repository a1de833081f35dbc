"""Find what an MLflow model needs to be loaded elsewhere: the packages of its flavor, and the imports of the project's modules.

Takes the flavor's module, the object and the modules that are saved with it. Returns lines for `requirements.txt` with
the installed versions. Imports and loads nothing for this.
"""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["requirements_of"]


def requirements_of(flavor: Any, value: object, code: Mapping[str, bytes]) -> list[str] | None:
    """Return the requirements, sorted and without duplicates; None if the flavor determines them from the object itself."""
    of_flavor = _of_flavor(flavor)
    if of_flavor is None:
        return None
    needed = {*of_flavor}
    packages = importlib.metadata.packages_distributions()
    own = {name.partition("/")[0].removesuffix(".py") for name in code}
    modules = {module for content in code.values() for module in _imported(content)}
    modules.add(type(value).__module__.partition(".")[0])
    named = {_name(line) for line in needed}
    for module in modules - own - sys.stdlib_module_names:
        for package in sorted(packages.get(module, ()))[:1]:
            if package.lower() not in named | {"mlflow", "pipespec"}:
                needed.add(f"{package}=={importlib.metadata.version(package)}")
    return sorted(needed, key=str.lower)


def _of_flavor(flavor: Any) -> list[str] | None:
    ask = getattr(flavor, "get_default_pip_requirements", None)
    if ask is None:
        return None
    known = inspect.signature(ask).parameters
    if any(one.default is one.empty for one in known.values()):
        return None  # it needs the object
    return [*ask(**({"include_cloudpickle": True} if "include_cloudpickle" in known else {}))]


def _name(requirement: str) -> str:
    return requirement.partition("=")[0].partition("<")[0].partition(">")[0].partition("[")[0].strip().lower()


def _imported(content: bytes) -> Iterator[str]:
    """Yield the first part of the name of each module that a module imports, anywhere in its code."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
