"""A value that an option sets: `path=value`, and how the option was typed.

`--set` is one of several such options: a sweep sets a value at each of its points, and a pipeline may declare options of its own.
Mistakes, `config` and `explain` name the option that the user knows.
"""

from __future__ import annotations

from typing import Final, Self

__all__ = ["SET", "SWEEP", "Override", "option_text"]

SET: Final = "--set"
SWEEP: Final = "--sweep"


class Override(str):
    """`path=value`, set by another option than `--set`; `typed` is that option with its value, which ends it."""

    __slots__ = ("typed",)
    typed: str

    def __new__(cls, text: str, typed: str = "") -> Self:
        """Make it of `path=value` and of the option as it was typed."""
        made = super().__new__(cls, text)
        made.typed = typed
        return made


def option_text(override: str) -> str:
    """Return the option as it was typed: what spans of an override's values bear as their file, and what it shows as its text."""
    typed = override.typed if isinstance(override, Override) else ""
    return typed or f"{SET} {override}"
