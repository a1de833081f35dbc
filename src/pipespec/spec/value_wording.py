"""How diagnostics format values and suggest names. Uses `document.wording`, which quotes text."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pipespec.document.nodes import JSON
from pipespec.document.wording import did_you_mean, listing, quote

__all__ = ["nearest_or_all", "shown"]

_LONGEST = 60


def shown(value: JSON) -> str:
    """Format a value: text in quotes, anything else as JSON, shortened if it is long."""
    if isinstance(value, str):
        return quote(value)
    text = json.dumps(value, ensure_ascii=False, default=repr)  # a loaded value contains anything
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def nearest_or_all(name: str, known: Iterable[str], *, kind: str) -> str | None:
    """Return a hint for an unknown name: the nearest one, or otherwise the first of all names. `kind` is what they are, in the plural."""
    names = list(known)
    near = did_you_mean(name, names)
    return near if near or not names else f"{kind}: {listing(names)}"
