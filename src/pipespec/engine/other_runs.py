"""What other invocations compute: who claims a key, whether one of our runs is alone with its claim, how another run failed.

Takes a ledger, and functions that say which of its runs are ours or left over. Returns live claims, after the runs of dead
processes are settled. Does not start or end our runs.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

from pipespec.errors import StoreUnavailableError
from pipespec.frozen_values import frozen
from pipespec.plan.records import Attempt
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.tracking import record_names
from pipespec.tracking.artifacts import read
from pipespec.tracking.process_owner import Owner
from pipespec.tracking.reading.ledger import Ledger, Standing
from pipespec.tracking.run_facts import contenders
from pipespec.tracking.started_run import StartedRun

__all__ = ["FailedElsewhere", "OtherRuns", "may_share", "step_names"]

_WITHDRAWAL: Final = 10.0
"""Seconds in which others withdraw claims that came later than ours, also on a server that many ask at once."""
_LOOK_AGAIN: Final = 0.05
"""Seconds from the first search for such claims to the second; each further pause is twice as long, up to a second."""

_OF_THE_STEP: Final = frozenset({"raised", "exited", "signal", "timeout", "outputs", "metrics", "binding"})
"""Kinds of failures that are about the step, and not about the process, its environment or its store."""


@frozen
class FailedElsewhere:
    """A run of another invocation that failed while this one waited for it."""

    run_id: str
    message: str
    """The error, and the place of the process."""
    traceback: str


def step_names(pipeline: PipelineSpec) -> str:
    """Return digests of the names of a pipeline's steps, as they fit into a tag; an empty text if they do not."""
    names = {_digest(step.name) for step in pipeline.steps.values()}
    text = " ".join(sorted(names))
    return text if len(text) <= record_names.TAG_LENGTH else ""


def may_share(run: Attempt, pipeline: PipelineSpec) -> bool:
    """Return whether a run of any pipeline, or another step of its invocation, may have a key of this one: a step of the same name."""
    if run.pipeline == pipeline.name:
        return True
    names = {_digest(step.name) for step in pipeline.steps.values()}
    if run.step:
        return _digest(record_names.declared(run.step)) in names
    return not run.steps or not names.isdisjoint(run.steps.split())


class OtherRuns:
    """What one invocation knows about all others. Used from one thread."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        is_ours: Callable[[str], bool],
        is_left_over: Callable[[Attempt], bool],
        settle: Callable[[Collection[Attempt]], Collection[str]],
    ) -> None:
        """Use this ledger. `settle` ends the runs of dead processes and returns their ids."""
        self._ledger = ledger
        self._is_ours = is_ours
        self._is_left_over = is_left_over
        self._settle = settle
        self._seen: dict[str, Attempt] = {}
        """The latest run of another invocation that was seen at work, by its key."""
        self._left: set[str] = set()
        """The keys of runs that dead processes left. Their results may count by now."""
        self._published: Collection[str] | None = None
        """The keys that were published between the plan and the beginning of this invocation."""
        self._are_about = False

    def meet(self, running: Collection[Attempt], published: Collection[str] | None = None) -> Collection[str]:
        """Note which runs are at work when this invocation begins, and return the invocations among them.

        `published` are the keys that were published since it was planned; None if they are not known.
        """
        dead = self._settle(running)
        self._left = {one.key for one in running if one.run_id in dead and one.key is not None}
        others = [one for one in running if one.run_id not in dead and not self._is_ours(one.run_id)]
        self._note(others)
        self._published = published
        return [one.run_id for one in others if not one.step]

    def is_alone(self, key: str, invocation: str) -> bool:
        """Return whether nobody else can be computing a key that this invocation claims, or has published it, without a search.

        An invocation that begins says so on the runs of those that are at work before it claims anything. If ours does not say it
        after our claim, those that begin later find the claim.
        """
        if self._are_about or key in self._left or self._published is None or key in self._published:
            return False
        own = self._ledger.run(invocation)
        self._are_about = own is None or own.status != "RUNNING" or record_names.MET in own.tags
        return not self._are_about

    def may_have(self, key: str) -> bool:
        """Return whether to search for other results of a key before a run is created: another run is at work, or one died with the key."""
        return self._are_about or key in self._left

    def claims(self, key: str) -> tuple[Attempt, ...]:
        """Return the live claims of a key, including ours, the earliest first."""
        return self._live(self._not_left_over(self._ledger.claims(key)))

    def holder(self, key: str) -> Attempt | None:
        """Return the run of another invocation that computes a key, or None."""
        return next((claim for claim in self.claims(key) if not self._is_ours(claim.run_id)), None)

    def standing_alone(self, key: str, started: StartedRun) -> Standing | None:
        """Return the claims and the record of a key if our run is its only live claim; None if another run computes it.

        Waits some seconds for others to see our run and to withdraw theirs: if the earliest gave up too, nobody would continue.
        To be the earlier is not enough: a run may become visible later than a run with a later start, which then saw nobody and
        continued. A run that is alone when it searches is seen by all that come later.
        """
        until, pause = time.monotonic() + _WITHDRAWAL, _LOOK_AGAIN
        while True:
            standing = self._ledger.standing(key, started.experiment_id)
            claims = self._not_left_over(standing.claims)
            live = self._live(claims)
            if all(claim.run_id == started.run_id for claim in live):
                if len(live) < len(claims):  # the result of a dead process may count by now
                    return Standing(live, self._ledger.complete((key,)).get(key))
                return standing
            if contenders(live, started.run_id) or time.monotonic() >= until:
                return None
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def failure(self, key: str) -> FailedElsewhere | None:
        """Return how the run failed that was seen at work on a key; None if it did not, or for a reason of its own. Returned once."""
        seen = self._seen.pop(key, None)
        facts = None if seen is None else self._ledger.run(seen.run_id)
        if facts is None or facts.status != "FAILED":
            return None
        try:
            text = read(facts.artifact_uri, record_names.ERROR, self._ledger.tracking_uri).decode()
        except (OSError, StoreUnavailableError, UnicodeDecodeError):
            return None
        told, _, traceback = text.partition("\n\n")
        kind, _, message = told.partition(": ")
        if kind not in _OF_THE_STEP:
            return None
        where = _place(facts.tags.get(record_names.OWNER, ""))
        return FailedElsewhere(
            facts.run_id, f"{message.strip()} (in run {facts.run_id[:8]}{where})", traceback.rstrip()
        )

    def _not_left_over(self, claims: Iterable[Attempt]) -> tuple[Attempt, ...]:
        return tuple(claim for claim in claims if not self._is_left_over(claim))

    def _live(self, claims: Collection[Attempt]) -> tuple[Attempt, ...]:
        others = [claim for claim in claims if not self._is_ours(claim.run_id)]
        dead = self._settle(others) if others else ()
        live = tuple(claim for claim in claims if claim.run_id not in dead)
        self._note(claim for claim in live if not self._is_ours(claim.run_id))
        return live

    def _note(self, others: Iterable[Attempt]) -> None:
        for one in others:
            self._are_about = True
            if one.key is not None:
                self._seen[one.key] = one


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:6]


def _place(owner: str) -> str:
    found = Owner.parse(owner)
    if found is None:
        return ""
    return f" of process {found.pid}" + ("" if found.is_here else f" on {found.host}")
