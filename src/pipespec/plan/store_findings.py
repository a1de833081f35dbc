"""What `doctor` found: each with its place and the way out. Values; pure."""

from __future__ import annotations

from pipespec.frozen_values import frozen
from pipespec.plan.store_name import StoreName

__all__ = ["Examination", "StoreFinding"]


@frozen
class StoreFinding:
    """Something that is not as it should be."""

    code: str
    """Kebab-case and stable."""
    place: str
    """A run, a file, or the store."""
    message: str
    hint: str
    """The way out."""


@frozen
class Examination:
    """All findings about a store and a project's folder, and what was looked at."""

    store: StoreName
    findings: tuple[StoreFinding, ...]
    looked_at: tuple[str, ...]
    """In words, such as `12 runs`."""
