"""GitHub's Markdown around words that may be a stranger's: they stand in code spans and fences that they cannot leave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipespec.views.terminal_text import printable

__all__ = ["fence", "span", "table"]

_ROWS: Final = 100
"""So many rows of one table are written; a comment takes 65,536 characters."""
_BACKTICKS: Final = re.compile(r"`+")


def span(text: str) -> str:
    """Return a text as a code span that it cannot leave, in a table too; nothing for an empty one."""
    if not text:
        return ""
    shown = printable(text).replace("|", "\\|")
    ticks = "`" * (1 + _longest_run(shown))
    return f"{ticks}{shown}{ticks}" if len(ticks) == 1 else f"{ticks} {shown} {ticks}"


def fence(text: str, language: str) -> list[str]:
    """Return a text as a fenced block that it cannot leave; what no page would show is left out."""
    shown = "".join(c for c in text if c in "\n\t" or c.isprintable())
    ticks = "`" * max(3, 1 + _longest_run(shown))
    return [f"{ticks}{language}", shown, ticks]


def table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Return a table with an empty line after it, of cells that are Markdown already; nothing without cells.

    Columns in which nothing stands are left out.
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
