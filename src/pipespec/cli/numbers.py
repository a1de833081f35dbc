"""Numbers as values of options. An error says in plain words what is wrong, with the bounds."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["Number", "WholeNumber"]


class WholeNumber(click.IntRange):
    """A whole number with bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{value!r} is not a whole number{_bounds(self)}", param, ctx)


class Number(click.FloatRange):
    """A number with bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        try:
            return float(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{value!r} is not a number{_bounds(self)}", param, ctx)


def _bounds(range_: click.IntRange | click.FloatRange) -> str:
    if range_.max is not None:
        return f" from {range_.min} to {range_.max}"
    return f" {'above' if range_.min_open else 'from'} {range_.min}" + ("" if range_.min_open else " on")
