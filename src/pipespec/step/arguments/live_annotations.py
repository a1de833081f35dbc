"""Evaluate the annotations of a live function's arguments to types.

Takes a function. Returns its arguments with evaluated annotations, including those that use names imported only for
type checkers. An annotation that cannot be evaluated (for example because the library is not installed) counts as no
annotation.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from pipespec.frozen_values import frozen

__all__ = ["MISSING", "LiveArgument", "live_arguments", "live_return"]

MISSING: Final = inspect.Parameter.empty
"""The value of an annotation or a default that does not exist."""


@frozen
class LiveArgument:
    """One argument of a function that can be passed by keyword, or `**kwargs` (`is_rest`)."""

    name: str
    annotation: Any = MISSING
    """The evaluated annotation, or `MISSING` if there is none."""
    is_annotated: bool = False
    """True also if the annotation could not be evaluated."""
    has_default: bool = False
    is_rest: bool = False


def live_arguments(function: Callable[..., Any]) -> Mapping[str, LiveArgument] | None:
    """Return the arguments by name in their order, or None if the function does not provide them (a C function).

    Positional-only arguments and `*args` are left out, because they cannot be passed by keyword.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    names = _NamesOfAnnotations(inspect.unwrap(function))
    return {
        name: LiveArgument(
            name,
            names.evaluate(parameter.annotation),
            parameter.annotation is not MISSING,
            parameter.default is not MISSING,
            parameter.kind is parameter.VAR_KEYWORD,
        )
        for name, parameter in parameters.items()
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL)
    }


def live_return(function: Callable[..., Any]) -> Any:
    """Return the evaluated return annotation of a function, or `MISSING` if there is none."""
    try:
        annotation = inspect.signature(function).return_annotation
    except (TypeError, ValueError):
        return MISSING
    return _NamesOfAnnotations(inspect.unwrap(function)).evaluate(annotation)


class _NamesOfAnnotations(dict[str, Any]):
    """The names that a function's annotations use. Names that are imported only for type checkers are imported now."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        function = getattr(function, "func", function)  # of functools.partial
        module = sys.modules.get(getattr(function, "__module__", None) or "")
        self._globals: dict[str, Any] = getattr(function, "__globals__", None) or vars(module or builtins)
        self._file = getattr(module, "__file__", None)
        self._package: str = self._globals.get("__package__") or ""
        self._imports: Mapping[str, tuple[str, str | None]] | None = None

    def evaluate(self, annotation: Any) -> Any:
        if annotation is MISSING:
            return MISSING
        holder = SimpleNamespace(__annotations__={"it": annotation})
        try:
            return typing.get_type_hints(holder, self._globals, self, include_extras=True)["it"]
        except Exception:  # noqa: BLE001 - an annotation is any expression, and is evaluated only when it is needed
            return MISSING

    def __missing__(self, name: str) -> Any:
        if name in self._globals or hasattr(builtins, name):
            raise KeyError(name)
        if self._imports is None:
            self._imports = dict(_imported(self._file))
        module, attribute = self._imports[name]
        found = importlib.import_module(module, self._package or None)
        if attribute is None:  # `import xml.dom` binds `xml`
            self[name] = sys.modules[module.partition(".")[0]]
        else:
            self[name] = getattr(found, attribute) if attribute else found
        return self[name]


def _imported(file: str | None) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """Yield each name that an import anywhere in a source binds, with the module and the part of the module that it names.

    The part is an attribute, the module itself (an empty text), or its top-level package (None).
    """
    with contextlib.suppress(OSError, SyntaxError, ValueError):
        tree = ast.parse(Path(file).read_bytes()) if file else ast.Module([], [])
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=aliases):
                    for alias in aliases:
                        top = alias.name.partition(".")[0]
                        yield alias.asname or top, (alias.name, "" if alias.asname else None)
                case ast.ImportFrom(module=module, names=aliases, level=level):
                    for alias in aliases:
                        yield alias.asname or alias.name, ("." * level + (module or ""), alias.name)
