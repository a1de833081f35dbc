"""What of a tracking store nothing reaches any more: runs with what keeps them, or nothing. Values; pure.

Takes runs of some pipelines and why some of them are kept; gives those that are not. Refuses nothing: a run that is not
surely unreached is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipespec.frozen_values import frozen
from pipespec.plan.store_name import StoreName

__all__ = ["Garbage", "Leftover", "StoredRun", "sift"]


@frozen
class StoredRun:
    """A run of a step or, without a step, of an invocation; times are POSIX seconds."""

    run_id: str
    pipeline: str
    step: str
    status: str
    ended: float
    bytes: int
    """Of its artifacts, as far as that is known."""


@frozen
class Leftover:
    """What is left in the project's folder `.pipespec`, and can be made again or serves nobody."""

    kind: str
    """The folder below `.pipespec`: `logs`, `downloads`."""
    path: Path
    bytes: int
    changed: float
    """POSIX seconds."""


@frozen
class Garbage:
    """What was found, and what was done about it."""

    store: StoreName
    pipelines: tuple[str, ...]
    unreached: tuple[StoredRun, ...]
    kept: Mapping[str, str]
    """Runs that stay, with the reason."""
    young: int
    """How many more would be unreached, but are younger than asked for."""
    leftovers: tuple[Leftover, ...] = ()
    deleted: bool = False
    purged: bool = False
    can_purge: bool = True
    """False for a server: only its own host can free its disk."""

    @property
    def bytes(self) -> int:
        """Of all that is unreached."""
        return sum(run.bytes for run in self.unreached) + sum(one.bytes for one in self.leftovers)


def sift(
    runs: Iterable[StoredRun], kept: Mapping[str, str], oldest: float
) -> tuple[Sequence[StoredRun], int]:
    """Return the runs that nothing keeps and that ended at `oldest` or before, and the number of those that are younger."""
    free = [run for run in runs if run.run_id not in kept]
    old = [run for run in free if run.ended <= oldest]
    return sorted(old, key=lambda run: (run.pipeline, run.step, run.ended, run.run_id)), len(free) - len(old)
