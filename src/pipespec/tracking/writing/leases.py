"""Is the process that works on a run still alive? Judged without any clock but one's own.

A process on this host is looked up. One elsewhere renews its lease, a counter in a tag; it counts as dead when
the counter was the same for 30 s of this process's monotonic clock, whatever the clocks of the hosts say.
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
    """What this process has seen of other processes' leases."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}

    def has_died(self, attempt: Attempt) -> bool:
        """Tell whether a run is RUNNING in name only. For another host the first look is never enough."""
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
