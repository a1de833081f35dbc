"""How a ledger that has to search asks its store: an interface of a few questions, whoever carries them.

Takes filters of `filters`, gives `RunFacts` of runs that are not deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipespec.tracking.run_facts import RunFacts

__all__ = ["RunSearch"]


class RunSearch(Protocol):
    """Searches one store; threads may share it after `prepare`. Close it.

    Every question may raise StoreUnavailableError.
    """

    takes_requests_side_by_side: bool
    """True where threads that ask at a time get their answers sooner."""

    def prepare(self) -> None:
        """Do what is to be done once, before threads ask."""

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
        """Return one page of runs of these experiments, and what the next one is asked for by; None after the last.

        `deleted` asks for deleted runs in place of those that are there.
        """

    def experiments(self, since: int = 0) -> Mapping[str, int]:
        """Return all experiments that are not deleted, by id with when they were last changed, in milliseconds.

        `since` leaves out those that were made, restored or renamed before that time.
        """

    def run(self, run_id: str) -> RunFacts | None:
        """Return a run, or None where there is none, or a deleted one."""

    def close(self) -> None:
        """Let go of the store."""
