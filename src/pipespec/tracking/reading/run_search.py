"""The questions of a searching ledger to its store: an interface of a few questions, independent of how they are sent.

Takes filters of `filters`. Returns `RunFacts` of runs that are not deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipespec.tracking.run_facts import RunFacts

__all__ = ["RunSearch"]


class RunSearch(Protocol):
    """Searches one store. Threads may share it after `prepare`. Close it.

    Every question may raise StoreUnavailableError.
    """

    takes_requests_side_by_side: bool
    """True if threads that ask at the same time get their answers sooner."""

    def prepare(self) -> None:
        """Do what must be done once, before threads ask."""

    def page(
        self,
        experiments: list[str],
        condition: str,
        order: str,
        size: int,
        token: str | None,
        *,
        deleted: bool = False,
    ) -> tuple[list[RunFacts], str | None]:
        """Return one page of runs of these experiments, and the token of the next page; None after the last.

        With `deleted`, return deleted runs instead of existing ones.
        """

    def experiments(self, since: int = 0) -> Mapping[str, int]:
        """Return all experiments that are not deleted: by id, the time of their last change in milliseconds.

        With `since`, leave out those that were created, restored or renamed before that time.
        """

    def run(self, run_id: str) -> RunFacts | None:
        """Return a run, or None if it does not exist or is deleted."""

    def close(self) -> None:
        """Close the store."""
