"""Did you mean? The nearest of the names that there are, and how a message quotes a value."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable

from pipespec.document.nodes import JSON

__all__ = ["did_you_mean", "listed", "nearest", "shown"]

_MANY = 500
"""Names beyond which only those of about the same length are compared: it is done for each misspelt name."""


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that is spelt most like `word`, or None where none comes near."""
    pool = list(names)
    if len(pool) > _MANY:
        pool = [name for name in pool if abs(len(name) - len(word)) <= 1 and name[:1] == word[:1]][:_MANY]
    folded = {name.lower(): name for name in reversed(pool)}
    found = difflib.get_close_matches(word.lower(), folded, n=1)
    return folded[found[0]] if found else None


def did_you_mean(word: str, names: Iterable[str], *, kind: str) -> str | None:
    """Return a hint: the nearest name, else the few names that there are; `kind` is their plural ("axes")."""
    pool = list(names)
    if (found := nearest(word, pool)) is not None:
        return f"did you mean '{found}'?"
    return f"{kind}: {listed(pool)}" if pool else None


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """Join names with commas, cut with a count after `most`."""
    pool = list(names)
    more = f" and {len(pool) - most} more" if len(pool) > most else ""
    return ", ".join(pool[:most]) + more


def shown(value: JSON, *, width: int = 60) -> str:
    """Spell a value for a message: text in single quotes, all else as JSON, cut at `width` characters."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= width else f"{text[: width - 2]}…{text[-1]}"
