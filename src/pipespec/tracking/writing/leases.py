"""Decide whether the process that works on a run is still alive, using only this process's clock.

A process on this host is looked up. A process elsewhere renews its lease, a counter in a tag. It counts as dead if the
counter has not changed for 30 s of this process's monotonic clock, whatever the clocks of the hosts say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pipespec.plan.records import Attempt
from pipespec.tracking.process_owner import owner_is_gone

__all__ = ["LEASE_SECONDS", "Leases"]

LEASE_SECONDS: Final = 30.0


class Leases:
    """The leases of other processes that this process has seen."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}

    def has_died(self, attempt: Attempt) -> bool:
        """Return whether a RUNNING run is dead. For another host, the first check is never enough."""
        if attempt.status != "RUNNING":
            return False
        gone = owner_is_gone(attempt.owner)
        if gone is not None:
            return gone
        now = self._clock()
        lease, since = self._seen.get(attempt.run_id, (attempt.lease, now))
        if lease != attempt.lease:
            since = now
        self._seen[attempt.run_id] = (attempt.lease, since)
        return now - since >= LEASE_SECONDS
