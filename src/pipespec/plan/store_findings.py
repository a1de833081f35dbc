"""The findings of `doctor`: each with its place and how to correct it. Values; pure."""

from __future__ import annotations

from pipespec.frozen_values import frozen
from pipespec.plan.store_name import StoreName

__all__ = ["Examination", "StoreFinding"]


@frozen
class StoreFinding:
    """Something that is not as it should be."""

    code: str
    """In kebab-case. It never changes."""
    place: str
    """A run, a file, or the store."""
    message: str
    hint: str
    """How to correct it."""


@frozen
class Examination:
    """All findings about a store and a project's folder, and what was examined."""

    store: StoreName
    findings: tuple[StoreFinding, ...]
    looked_at: tuple[str, ...]
    """In words, for example `12 runs`."""
