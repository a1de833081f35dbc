"""Replace functions of libraries by functions that note their arguments: immediately if the library is loaded, or when it is.

Takes names of functions by module. A library that is not loaded costs nothing. Functions that a library does not have are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from pipespec.step.after_import import act_after_import

__all__ = ["wrap_functions"]

_Function: TypeAlias = Callable[..., Any]


def wrap_functions(names: Mapping[str, Sequence[str]], wrap: Callable[[_Function], _Function]) -> None:
    """Replace each function by `wrap(function)`. `names` are functions, and methods as `Class.method`, by module."""
    for name in names:
        if name in sys.modules:
            _wrap_all(names[name], wrap, sys.modules[name])
    act_after_import({name: partial(_wrap_all, names[name], wrap) for name in names})


class _InPlaceOf(type):
    """The class of a class that stands in place of another: objects of that one are objects of it."""

    replaced: type

    def __instancecheck__(cls, instance: object) -> bool:
        own = vars(cls).get("replaced")
        return isinstance(instance, own) if own is not None else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        own = vars(cls).get("replaced")
        return issubclass(subclass, own) if own is not None else super().__subclasscheck__(subclass)


def _with_method(replaced: type, name: str, function: _Function) -> type:
    """Return a class with another method, which otherwise is the one that it replaces."""
    members = {
        name: function,
        "replaced": replaced,
        "__module__": replaced.__module__,
        "__doc__": replaced.__doc__,
    }
    return _InPlaceOf(replaced.__name__, (replaced,), members)


def _wrap_all(names: Sequence[str], wrap: Callable[[_Function], _Function], module: Any) -> None:
    for name in names:
        owner, _, last = name.rpartition(".")
        holder = getattr(module, owner, None) if owner else module
        function = getattr(holder, last, None)
        if function is None or holder is None:
            continue
        wrapped = wrap(function)
        try:
            setattr(holder, last, wrapped)
        except (AttributeError, TypeError):  # a class in C, which nobody can change
            if isinstance(holder, type):
                setattr(module, owner, _with_method(holder, last, wrapped))
            continue
        # Where it is defined, too: pickle compares the two.
        home = sys.modules.get(getattr(function, "__module__", None) or "")
        if not owner and home is not None and getattr(home, last, None) is function:
            setattr(home, last, wrapped)
