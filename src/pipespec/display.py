"""How values are shown to users of the Python interface: a few lines of text, and HTML in a notebook.

A leaf module: values declare here that they are shown, and views register here how. A value that no view knows is shown
like any other object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self, TypeVar

__all__ = ["Displayed", "ShownText", "View", "show_as", "view_of"]

Value = TypeVar("Value")


class View(NamedTuple):
    """How a kind of value is shown: as text, and as HTML."""

    text: Callable[[Any], str]
    html: Callable[[Any], str]


_VIEWS: dict[type, View] = {}


def show_as(kind: type, view: View) -> None:
    """Register how values of a class are shown."""
    _VIEWS[kind] = view


def view_of(kind: type) -> View | None:
    """Return how values of a class are shown, if it was registered."""
    return next((_VIEWS[base] for base in kind.__mro__ if base in _VIEWS), None)


class Displayed:
    """A value that is shown by a view: `repr` returns its text, a notebook its HTML."""

    __slots__ = ()

    def __repr__(self) -> str:
        view = view_of(type(self))
        return object.__repr__(self) if view is None else view.text(self)

    def _repr_html_(self) -> str | None:
        view = view_of(type(self))
        return None if view is None else view.html(self)


class ShownText(str):
    """A text of several lines that is shown unchanged. `html` creates what a notebook shows instead."""

    __slots__ = ("html",)
    html: Callable[[], str] | None

    def __new__(cls, text: str, html: Callable[[], str] | None = None) -> Self:
        """Create it from plain text."""
        made = super().__new__(cls, text)
        made.html = html
        return made

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str | None:
        return None if self.html is None else self.html()
