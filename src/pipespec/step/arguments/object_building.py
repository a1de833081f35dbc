"""Build objects from JSON objects: dataclasses, attrs classes, pydantic models, msgspec structs.

Takes a class. Returns its fields, or a function that builds its objects by the rules of the library that made the
class. The user's module has imported that library; this module imports none of them.
"""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pipespec.document.nodes import JSON
from pipespec.step.failure import one_line, summary

__all__ = ["Builder", "NotBuiltError", "builder_of", "fields_of", "is_closed", "is_described"]

Builder: TypeAlias = Callable[[Any, JSON], Any]


class NotBuiltError(ValueError):
    """A class does not accept a value. The message lists all mistakes, each with its field."""


def builder_of(kind: type) -> Builder | None:
    """Return a function that builds objects of a class from a JSON value, or None if this kind of class is not known."""
    return next((build for mark, build in _BUILDERS.items() if hasattr(kind, mark)), None)


def is_described(kind: Any) -> bool:
    """Return whether objects of a class are built from a JSON object."""
    return isinstance(kind, type) and (fields_of(kind) is not None or builder_of(kind) is not None)


def fields_of(kind: type) -> Mapping[str, bool] | None:
    """Return the arguments of a dataclass or an attrs class, and whether each is required; None for other classes."""
    if hasattr(kind, "__attrs_attrs__"):
        nothing = sys.modules["attr"].NOTHING
        return {one.alias: one.default is nothing for one in kind.__attrs_attrs__ if one.init}
    if not dataclasses.is_dataclass(kind):
        return None
    missing = dataclasses.MISSING
    return {
        one.name: one.default is missing and one.default_factory is missing
        for one in dataclasses.fields(kind)
        if one.init
    }


def is_closed(kind: type, value: object) -> bool:
    """Return whether a value is certainly not an object of a class. Protocols and typed dicts give no certainty."""
    if (
        kind.__module__ == "builtins"
        or getattr(kind, "_is_protocol", False)
        or typing.is_typeddict(kind)
        or typing.get_origin(kind) is not None
    ):
        return False
    try:
        return not isinstance(value, kind) and not issubclass(kind, type(value))
    except TypeError:
        return False


def _pydantic(kind: Any, value: JSON) -> Any:
    """Build a model of pydantic 2 by its own rules."""
    try:
        return kind.model_validate(value)
    except Exception as error:
        found = getattr(error, "errors", None)
        if not callable(found):
            raise NotBuiltError(summary(error)) from error
        told = [f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in found(include_url=False)]
        raise NotBuiltError(one_line("; ".join(told))) from error


def _msgspec(kind: Any, value: JSON) -> Any:
    """Build a struct of msgspec by its own rules. msgspec reports only the first mistake."""
    try:
        return sys.modules["msgspec"].convert(value, kind)
    except Exception as error:
        raise NotBuiltError(summary(error)) from error


_BUILDERS: Final[Mapping[str, Builder]] = {"model_validate": _pydantic, "__struct_config__": _msgspec}
