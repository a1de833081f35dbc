"""What in a tracking store is not reachable any more: runs, with the reason why they are kept, or without one. Values; pure.

Takes runs of some pipelines, and why some of them are kept. Returns the others. Refuses nothing: a run is kept unless
it is certainly unreachable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipespec.frozen_values import frozen
from pipespec.plan.store_name import StoreName

__all__ = ["Garbage", "Leftover", "StoredRun", "sift"]


@frozen
class StoredRun:
    """A run of a step or, without a step, of an invocation. Times are POSIX seconds."""

    run_id: str
    pipeline: str
    step: str
    status: str
    ended: float
    bytes: int
    """The size of its artifacts, as far as it is known."""


@frozen
class Leftover:
    """A file in the project's folder `.pipespec` that can be produced again or is not needed any more."""

    kind: str
    """The folder below `.pipespec`: `logs`, `downloads`."""
    path: Path
    bytes: int
    changed: float
    """POSIX seconds."""


@frozen
class Garbage:
    """What was found, and what was done with it."""

    store: StoreName
    pipelines: tuple[str, ...]
    unreached: tuple[StoredRun, ...]
    kept: Mapping[str, str]
    """Runs that are kept, with the reason."""
    young: int
    """How many more are unreachable, but younger than requested."""
    leftovers: tuple[Leftover, ...] = ()
    deleted: bool = False
    purged: bool = False
    can_purge: bool = True
    """False for a server: only its own host can free its disk space."""

    @property
    def bytes(self) -> int:
        """The size of everything that is unreachable."""
        return sum(run.bytes for run in self.unreached) + sum(one.bytes for one in self.leftovers)


def sift(
    runs: Iterable[StoredRun], kept: Mapping[str, str], oldest: float
) -> tuple[Sequence[StoredRun], int]:
    """Return the runs that nothing keeps and that ended at `oldest` or before, and the number of younger ones."""
    free = [run for run in runs if run.run_id not in kept]
    old = [run for run in free if run.ended <= oldest]
    return sorted(old, key=lambda run: (run.pipeline, run.step, run.ended, run.run_id)), len(free) - len(old)
