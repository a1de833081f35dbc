"""The MLflow runs of one invocation: begun under a claim, kept alive, ended. All writing goes through here.

Takes steps that are to execute and what came of them; gives started runs and records. Two invocations that want one
key agree through the store: each creates its run with a claim, then looks; one that is alone goes on, of several the
later take their runs back and wait. Before publishing each looks again, so that of one generation one result
counts even where two have executed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON, plain
from pipespec.engine.manifest import manifest_entries
from pipespec.engine.settings import RunSettings
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.plan.model import Attempt, Decision, Plan, ReasonKind, RunReport, StepRecord
from pipespec.spec.model import StepSpec
from pipespec.step.log import clean_log
from pipespec.step.model import Failure, StepOutcome
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.model import NewAttempt, StartedRun
from pipespec.tracking.names import POINT
from pipespec.tracking.owner import Owner
from pipespec.tracking.recorder import Recorder
from pipespec.tracking.records import contenders

__all__ = ["Attempts", "Claim", "Published"]

_HEARTBEAT: Final = 10.0
"""Seconds between renewals of leases, a third of the time after which others count them as dead."""

_LOOKS: Final = 5
_LOOK_AGAIN: Final = 0.05
"""Seconds between looks at claims that came later than ours and should be taken back."""

_ACTIVE: Final[set[str]] = set()
"""The runs that invocations in this process work on: a RUNNING run of this process that is not here was left by
an invocation that lost its store."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to compute a key. `known` is the generation that was there before, None for none."""

    started: StartedRun
    known: int | None


@dataclass(frozen=True, slots=True)
class Published:
    """What counts for a key now: our own result, or that of an invocation that was faster."""

    record: StepRecord
    is_ours: bool


class Attempts:
    """Opens the store for writing when the first step executes, and not before."""

    def __init__(self, ledger: Ledger, open_recorder: Callable[[], Recorder], settings: RunSettings) -> None:
        self._ledger = ledger
        self._open_recorder = open_recorder
        self._settings = settings
        self._recorder: Recorder | None = None
        self._invocation: StartedRun | None = None
        self._beat_due = 0.0
        self._own: set[str] = set()

    @property
    def invocation(self) -> str | None:
        """The run id of the invocation; None while nothing executed."""
        return None if self._invocation is None else self._invocation.run_id

    def claim(
        self, plan: Plan, decision: Decision, *, forced: bool, waited: bool
    ) -> Claim | StepRecord | None:
        """Begin a run for a step; or return what another invocation published meanwhile, or None while one computes it.

        `waited` is true when it was None before: then one looks first, and creates no run to take it back.

        Raises:
            StoreUnavailableError: where the store cannot be asked or written.
        """
        if decision.key is None:
            return Claim(self._start(plan, decision), None)
        key = decision.key.hex
        if waited and self._live_claims(key):
            return None
        known = self._ledger.generations((key,)).get(key) if _repeats(decision, forced=forced) else None
        started = self._start(plan, decision)
        if not self._is_alone(key, started):
            self.kill(started, "another invocation computes the same key")
            return None
        if record := self._newer(key, known):
            self.kill(started, f"run {record.run_id} has the same key")
            return record
        return Claim(started, known)

    def publish(
        self,
        claim: Claim,
        outcome: StepOutcome,
        *,
        plan: Plan,
        decision: Decision,
        upstream: Mapping[str, StepRecord],
        log: Path,
    ) -> Published:
        """Publish a result, unless another invocation did for the same generation.

        Raises:
            StoreUnavailableError: where it cannot be known, or not be written.
            PipespecError: where the run is gone.
        """
        started = claim.started
        superseded: tuple[str, ...] = ()
        if started.key is not None:
            if record := self._newer(started.key, claim.known):
                self.kill(started, f"run {record.run_id} was faster with the same key")
                return Published(record, is_ours=False)
            before = (
                self._ledger.complete((started.key,)).get(started.key) if claim.known is not None else None
            )
            superseded = () if before is None or before.accepted else (before.run_id,)
        record = self._writer.publish(
            started,
            outcome,
            manifest=manifest_entries(plan, decision, upstream, self._about()),
            generation=0 if claim.known is None else claim.known + 1,
            log=log,
            supersedes=superseded,
        )
        self._forget(started)
        self._ledger.note((record,))
        return Published(self._with_logged(record, decision.step), is_ours=True)

    def fail(self, started: StartedRun, failure: Failure, log: Path) -> None:
        """End a run without a result."""
        status = "KILLED" if failure.kind == "cancelled" else "FAILED"
        with _unless_gone():
            self._writer.fail(started, failure, log=log, status=status)
        self._forget(started)

    def kill(self, started: StartedRun, why: str) -> None:
        """Take a run back that did nothing."""
        with _unless_gone():
            self._writer.fail(started, Failure("cancelled", why), status="KILLED")
        self._forget(started)

    def keep_alive(self) -> None:
        """Renew what others would count as dead, when it is time."""
        if self._own and time.monotonic() >= self._beat_due:
            self._beat_due = time.monotonic() + _HEARTBEAT
            for run_id in sorted(self._own):
                with _unless_gone():
                    self._writer.heartbeat((run_id,))

    def finish(self, report: RunReport) -> None:
        """End the invocation's run, if there is one."""
        if self._invocation is None:
            return
        status = "FINISHED" if report.succeeded else "FAILED" if report.interrupted_by is None else "KILLED"
        files = self._settings.report_files(report)
        with _unless_gone():
            self._writer.finish_invocation(self._invocation, status=status, files=files)
        self._forget(self._invocation)

    def close(self) -> None:
        """Let go of the store; runs that are still open are left to the next invocation, which sweeps them."""
        _ACTIVE.difference_update(self._own)
        self._own.clear()
        if self._recorder is not None:
            self._recorder.close()

    @property
    def _writer(self) -> Recorder:
        if self._recorder is None:
            self._recorder = self._open_recorder()
        return self._recorder

    def _start(self, plan: Plan, decision: Decision) -> StartedRun:
        if self._invocation is None:
            self._begin_invocation(plan)
        step = decision.step
        started = self._writer.start(
            NewAttempt(
                pipeline=plan.pipeline.name,
                step=step.id,
                call=str(step.call),
                experiment=step.experiment,
                key=None if decision.key is None else decision.key.hex,
                params={name: plain(node) for name, node in step.params.items()},
                tags={**plan.pipeline.mlflow.tags, **_words(step)},
                description=step.description,
                invocation=self.invocation,
                source=self._settings.source,
                git_commit=self._settings.git_commit,
            )
        )
        return self._remember(started)

    def _begin_invocation(self, plan: Plan) -> None:
        self._sweep(self._ledger.running(plan.pipeline.name))
        self._invocation = self._remember(self._writer.start_invocation(self._settings.invocation()))
        self._beat_due = time.monotonic() + _HEARTBEAT

    def _is_alone(self, key: str, started: StartedRun) -> bool:
        """Say whether ours is the only live claim, after a moment for others to see ours and take theirs back.

        Being the earlier is not enough: a run may become visible later than one that says it started later, which
        then saw nobody and went on. Whoever is alone when it looks is seen by all that come.
        """
        for _ in range(_LOOKS):
            live = self._live_claims(key)
            if all(claim.run_id == started.run_id for claim in live):
                return True
            if contenders(live, started.run_id):
                return False
            time.sleep(_LOOK_AGAIN)
        return False

    def _live_claims(self, key: str) -> tuple[Attempt, ...]:
        claims = tuple(
            found for found in self._ledger.claims(key) if not self._is_left_over(found.run_id, found.owner)
        )
        others = [claim for claim in claims if claim.run_id not in self._own]
        dead = self._sweep(others) if others else ()
        return tuple(claim for claim in claims if claim.run_id not in dead)

    def _sweep(self, attempts: tuple[Attempt, ...] | list[Attempt]) -> tuple[str, ...]:
        """Mark the runs of dead processes, and take the secrets out of the logs that they left."""
        dead = self._writer.sweep(attempts)
        for run_id in dead:
            clean_log(self._settings.log_of(run_id), self._settings.redact)
        return dead

    def _is_left_over(self, run_id: str, owner: str) -> bool:
        return owner == str(Owner.here()) and run_id not in _ACTIVE

    def _newer(self, key: str, known: int | None) -> StepRecord | None:
        """Return what was published beyond the generation that we knew; what was only accepted for the key is not."""
        record = self._ledger.complete((key,)).get(key)
        if record is None or record.accepted is not None:
            return None
        return record if known is None or record.generation > known else None

    def _with_logged(self, record: StepRecord, step: StepSpec) -> StepRecord:
        """Add the metrics that the function logged by itself, where bounds are set on any of them."""
        if step.checks.keys() <= record.metrics.keys():
            return record
        facts = self._ledger.run(record.run_id)
        return record if facts is None else replace(record, metrics={**facts.metrics, **record.metrics})

    def _remember(self, started: StartedRun) -> StartedRun:
        self._own.add(started.run_id)
        _ACTIVE.add(started.run_id)
        return started

    def _forget(self, started: StartedRun) -> None:
        self._own.discard(started.run_id)
        _ACTIVE.discard(started.run_id)

    def _about(self) -> dict[str, JSON]:
        return {**self._settings.about, "invocation": self.invocation}


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    """Let it pass that somebody deleted the run; that the store cannot be asked does not."""
    try:
        yield
    except StoreUnavailableError:
        raise
    except PipespecError:
        return


def _repeats(decision: Decision, *, forced: bool) -> bool:
    """Say whether the key may have been published before."""
    return forced or any(reason.kind is ReasonKind.LOST for reason in decision.reasons)


def _words(step: StepSpec) -> dict[str, str]:
    point = {POINT: step.point} if step.point else {}
    return {f"pipespec.tag.{word}": "1" for word in step.tags} | point
