"""GitHub's Markdown for text that may come from a stranger: it is put into code spans and fences from which it cannot break out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipespec.views.terminal_text import printable

__all__ = ["fence", "span", "table"]

_ROWS: Final = 100
"""Maximum number of rows of one table. A comment can have 65,536 characters."""
_BACKTICKS: Final = re.compile(r"`+")


def span(text: str) -> str:
    """Return a text as a code span from which it cannot break out, also in a table; empty for an empty text."""
    if not text:
        return ""
    shown = printable(text).replace("|", "\\|")
    ticks = "`" * (1 + _longest_run(shown))
    return f"{ticks}{shown}{ticks}" if len(ticks) == 1 else f"{ticks} {shown} {ticks}"


def fence(text: str, language: str) -> list[str]:
    """Return a text as a fenced block from which it cannot break out. Characters that no page would show are left out."""
    shown = "".join(c for c in text if c in "\n\t" or c.isprintable())
    ticks = "`" * max(3, 1 + _longest_run(shown))
    return [f"{ticks}{language}", shown, ticks]


def table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Return a table, followed by an empty line, of cells that are already Markdown; empty without cells.

    Columns without content are left out.
    """
    if not cells:
        return []
    used = [number for number in range(len(head)) if any(row[number] for row in cells)]
    lines = [_row([head[number] for number in used]), "|" + "---|" * len(used)]
    lines += [_row([row[number] for number in used]) for row in cells[:_ROWS]]
    more = len(cells) - _ROWS
    if more > 0:
        lines.append(_row([f"and {more} more", *[""] * (len(used) - 1)]))
    return [*lines, ""]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
