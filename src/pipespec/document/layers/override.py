"""A value that an option sets: `path=value`, and the option as the user typed it.

`--set` is one of several such options: a sweep sets a value at each of its points, and a pipeline may declare its own
options. Mistakes, `config` and `explain` show the option that the user knows.
"""

from __future__ import annotations

from typing import Final, Self

__all__ = ["SET", "SWEEP", "Override", "option_text"]

SET: Final = "--set"
SWEEP: Final = "--sweep"


class Override(str):
    """`path=value`, set by an option other than `--set`. `typed` is that option with its value at the end."""

    __slots__ = ("typed",)
    typed: str

    def __new__(cls, text: str, typed: str = "") -> Self:
        """Create it from `path=value` and the option as typed."""
        made = super().__new__(cls, text)
        made.typed = typed
        return made


def option_text(override: str) -> str:
    """Return the option as typed. It is the file in the spans of an override's values, and also the text of that file."""
    typed = override.typed if isinstance(override, Override) else ""
    return typed or f"{SET} {override}"
