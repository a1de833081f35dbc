"""How messages show what users wrote: quoted, on one line, shortened if long; and the most similar name.

Takes any text and returns text that is safe to print on a terminal. Refuses nothing.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

__all__ = ["did_you_mean", "listing", "nearest", "quote"]

_LONGEST = 60
_CANDIDATES = 2_000  # difflib is linear in names but slow: 2,000 take about 50 ms


def quote(text: str) -> str:
    """Put a name in quotes as the user spelled it. Control characters are escaped, long text is shortened."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)
    return f"'{cut}'"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar to `name`, or None if none is similar."""
    near = difflib.get_close_matches(name, list(itertools.islice(known, _CANDIDATES)), n=1)
    return near[0] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return `did you mean 'x'?` for the most similar known name, or None if none is similar."""
    near = nearest(name, known)
    return f"did you mean {quote(near)}?" if near else None


def listing(names: Iterable[str], *, most: int = 10) -> str:
    """List names in their order, the first `most` of them."""
    everything = list(names)
    shown = ", ".join(quote(name) for name in everything[:most])
    rest = len(everything) - most
    return f"{shown} and {rest} more" if rest > 0 else shown
