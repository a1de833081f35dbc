"""The MLflow runs of one invocation: started with a claim, kept alive, ended. All writing goes through this module.

Takes steps to execute, and their outcomes. Returns started runs and records. Two invocations that need the same key agree through
the store. In a database file, each searches and claims in one transaction. Elsewhere, each creates its run with a claim. An
invocation that has met no other continues; the others search then: one that is alone with its claim continues; if there are
several, the later ones withdraw their runs, and the earliest waits until they have done so. If other processes may have considered this process dead, it searches again before it
publishes, and it is decided which of the two results counts. A store that is not reachable does not stop the work: a thread
renews leases, and a run that could not be ended is ended with the next renewal.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.engine.final_metrics import final_metrics, unmeasured
from pipespec.engine.left_runs import settle
from pipespec.engine.manifest_entries import manifest_entries, outside_entries
from pipespec.engine.other_runs import FailedElsewhere, OtherRuns, may_share, step_names
from pipespec.engine.random_seed import seed_of
from pipespec.engine.result_publication import Published, newer_record, publish_result
from pipespec.engine.run_settings import RunSettings
from pipespec.engine.store_absence import StoreAbsence
from pipespec.engine.unpublished_results import UnpublishedResult
from pipespec.engine.upstream_params import UpstreamParams
from pipespec.errors import PipespecError, StoreUnavailableError, TakenOverError
from pipespec.frozen_values import frozen
from pipespec.plan.metric_bounds import judged_metrics
from pipespec.plan.plan import Decision, Plan, ReasonKind
from pipespec.plan.records import Attempt, StepRecord
from pipespec.plan.results import RunReport
from pipespec.spec.pipeline_spec import StepSpec
from pipespec.step.step_job import Failure, StepOutcome
from pipespec.tracking.process_owner import Owner
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_names import POINT, STEPS
from pipespec.tracking.run_datasets import outside_datasets
from pipespec.tracking.run_facts import finished_record
from pipespec.tracking.started_run import NewAttempt, NewInvocation, PreparedResult, StartedRun
from pipespec.tracking.writing.leases import LEASE_SECONDS
from pipespec.tracking.writing.recorder import Recorder

__all__ = ["Attempts", "Claim"]

_HEARTBEAT: Final = 10.0
"""Seconds between renewals of leases: a third of the time after which other processes consider the run dead."""

_CLOSING: Final = 5.0
"""Seconds for closing the store."""

_ACTIVE: Final[set[str]] = set()
"""The runs on which invocations in this process work. A RUNNING run of this process that is not here was left by
an invocation that lost its store."""


@frozen
class Claim:
    """The right to compute a key. `known` is the generation that existed before; None if there was none."""

    started: StartedRun
    known: int | None


@frozen
class _Ending:
    """A run without a result that must be ended."""

    started: StartedRun
    failure: Failure
    log: Path | None
    status: str
    seconds: float | None = None
    has_files: bool = True


class Attempts:
    """Opens the store for writing when the first step executes, and not before."""

    def __init__(
        self,
        ledger: Ledger,
        open_recorder: Callable[[], Recorder],
        settings: RunSettings,
        absence: StoreAbsence | None = None,
    ) -> None:
        """Note in `absence` if the store does not answer a question whose answer is not needed immediately."""
        self._ledger = ledger
        self._open_recorder = open_recorder
        self._settings = settings
        self._absence = absence or StoreAbsence(0.0)
        self._here = str(Owner.here())
        self._recorder: Recorder | None = None
        self._invocation: StartedRun | None = None
        self._surroundings: NewInvocation
        """Called with the description of the invocation, once there is one."""
        self._has_met = False
        self._beat_due = 0.0
        self._beating: threading.Thread | None = None
        self._own: dict[str, StartedRun] = {}
        self._sure: dict[str, float] = {}
        """When runs were last known to be only ours, by `_now`. The time does not advance after a renewal that came too late."""
        self._others = OtherRuns(
            ledger, is_ours=self._own.__contains__, is_left_over=self._is_left_over, settle=self._sweep
        )
        self._params: UpstreamParams | None = None
        self._prepared: list[tuple[PreparedResult, Callable[[StepRecord], None]]] = []
        """What is published with the next start, and what is called then."""
        self._endings: list[_Ending] = []
        """What could not be written to the store yet."""

    @property
    def invocation(self) -> str | None:
        """The run id of the invocation; None as long as nothing executed."""
        return None if self._invocation is None else self._invocation.run_id

    def claim(
        self, plan: Plan, decision: Decision, *, forced: bool, waited: bool
    ) -> Claim | StepRecord | FailedElsewhere | None:
        """Start a run for a step. Or return the result of another invocation, or None if one is computing it now.

        `waited` is true if the answer was None before. If other invocations are at work, the store is searched first, so that
        no run has to be withdrawn. A store that joins writes is always searched first, since that costs nothing more there.

        Raises:
            StoreUnavailableError: if the store cannot be read or written.
        """
        self._begin_invocation(plan)
        if decision.key is None:
            return Claim(self._remember(self._writer.start(self._new(plan, decision))), None)
        key = decision.key.hex
        known = self._ledger.generations((key,)).get(key) if _repeats(decision, forced=forced) else None
        takes_failure = not forced and not decision.step.retry.times
        looks_first = self._writer.joins or waited or self._others.may_have(key)
        found: StepRecord | FailedElsewhere | None = None

        def is_settled() -> bool:
            nonlocal found
            is_free = not looks_first
            if looks_first:
                is_free, found = self._standing(key, known, takes_failure=takes_failure)
            return not is_free

        began = _now()
        started = self._writer.start_unless(
            is_settled, self._new(plan, decision), after=[one for one, _ in self._prepared]
        )
        if started is not None:
            self._remember(started)
            self._sure[started.run_id] = began
        self._tell_prepared()
        if started is None:
            return found
        if self._writer.joins:  # nobody else has written since the search
            return Claim(started, known)
        if not waited and self._others.is_alone(key, self.invocation or ""):
            return Claim(started, known)
        standing = self._others.standing_alone(key, started)
        if standing is None:
            self.kill(started, "another invocation computes the same key")
            return None
        if record := newer_record(standing.record, known):
            self.kill(started, f"run {record.run_id} has the same key")
            return record
        return Claim(started, known)

    def _standing(
        self, key: str, known: int | None, *, takes_failure: bool
    ) -> tuple[bool, StepRecord | FailedElsewhere | None]:
        """Return whether a key can be claimed, and otherwise its result, or None if another invocation is computing it."""
        if self._others.holder(key) is not None:
            return False, None
        if record := newer_record(self._ledger.complete((key,)).get(key), known):
            return False, record
        failure = self._others.failure(key) if takes_failure else None
        return failure is None, failure

    def holder(self, key: str) -> Attempt | None:
        """Return the run of another invocation that computes a key; None if there is none any more."""
        return self._others.holder(key)

    def result(
        self,
        claim: Claim,
        outcome: StepOutcome,
        *,
        plan: Plan,
        decision: Decision,
        upstream: Mapping[str, StepRecord],
        log: Path,
        staging: Path,
    ) -> UnpublishedResult:
        """Collect what the publication of an outcome needs, in this run or in a later one."""
        seed = seed_of(decision, claim.started.run_id, self._settings.seeds)
        entries = manifest_entries(plan, decision, upstream, self._about(), seed)
        # Code may contain something that should have been a secret.
        texts = {name: self._settings.redact.value(entries[name]) for name in ("sources", "imports")}
        return UnpublishedResult(
            claim.started,
            outcome,
            {
                **entries,
                **texts,
                "upstream": {**self._upstream_params(plan).of(decision.step.id)},
            },
            staging,
            log,
            claim.known,
            judged_metrics(decision.step),
        )

    def publish(self, result: UnpublishedResult) -> Published:
        """Publish a result. Raises the errors of `publish_result`. May be called again if the store was not reachable."""
        in_doubt = partial(self._is_in_doubt, result.started.run_id)
        try:
            published = publish_result(
                result, self._ledger, self._writer, self._settings.state.downloads, in_doubt
            )
        except TakenOverError:
            self._forget(result.started.run_id)
            raise
        self._forget(result.started.run_id)
        return published

    def prepare(self, result: UnpublishedResult, then: Callable[[StepRecord], None]) -> StepRecord | None:
        """Prepare a result to be published together with the next start, and return its future record.

        `then` is called with it when it is published. Returns None if the state of the store must be checked again
        before the result counts.
        """
        outcome = result.outcome
        in_doubt = self._is_in_doubt(result.started.run_id)
        must_look = in_doubt or result.known is not None or bool(result.bounded)
        if must_look or not outcome.is_uploaded or not self._writer.joins:
            return None
        prepared = self._writer.prepare(result.started, outcome, manifest=result.manifest, log=result.log)
        self._prepared.append((prepared, then))
        return prepared.record

    def publish_prepared(self) -> None:
        """Publish what waits for the next start without that start: everything or nothing."""
        self._writer.publish_prepared([one for one, _ in self._prepared])
        self._tell_prepared()

    def forget_prepared(self) -> None:
        """Publish what waits neither with the next start nor separately."""
        self._prepared.clear()

    def _tell_prepared(self) -> None:
        published, self._prepared = self._prepared, []
        for prepared, then in published:
            self._forget(prepared.record.run_id)
            self._ledger.note((prepared.record,))
            then(prepared.record)

    def let_go(self, started: StartedRun, failure: Failure) -> None:
        """End a run whose result is kept for another invocation, as soon as the store can be written."""
        self._forget(started.run_id)
        self._endings.append(_Ending(started, failure, None, "FAILED", has_files=False))

    def fail(self, started: StartedRun, failure: Failure, log: Path, seconds: float | None = None) -> None:
        """End a run without a result, later if the store is not reachable. `seconds` is how long its step took."""
        status = "KILLED" if failure.kind in ("cancelled", "cluster") else "FAILED"
        self._end(_Ending(started, failure, log, status, seconds))

    def kill(self, started: StartedRun, why: str) -> None:
        """Withdraw a run that did nothing."""
        self._end(_Ending(started, Failure("cancelled", why), None, "KILLED"))

    def mark_damaged(self, run_id: str, why: str) -> None:
        """Make a run not count any more if its content differs from what it recorded.

        If its manifest is also gone, perhaps a whole store was moved, and nothing is recorded.
        """
        try:
            with _unless_gone():
                facts = self._ledger.run(run_id)
                record = None if facts is None else finished_record(facts)
                if record is not None:
                    self._ledger.manifest(record)
                self._writer.mark_damaged(run_id, why)
        except StoreUnavailableError as error:
            self._absence.note(error)

    def keep_alive(self) -> None:
        """Renew what others would otherwise consider dead, if it is time, without waiting for the store."""
        is_beating = self._beating is not None and self._beating.is_alive()
        if self._own and not is_beating and time.monotonic() >= self._beat_due:
            self._beat_due = time.monotonic() + _HEARTBEAT
            self._beating = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
            self._beating.start()

    def finish(self, report: RunReport) -> None:
        """End the invocation's run, if there is one."""
        if self._invocation is None:
            return
        status = "FINISHED" if report.succeeded else "FAILED" if report.interrupted_by is None else "KILLED"
        self._end_rest()
        files = self._settings.report_files(report)
        with _unless_gone():
            self._writer.finish_invocation(
                self._invocation,
                status=status,
                files=files,
                metrics=self._final_metrics(report),
                datasets=() if report.plan is None else outside_datasets(outside_entries(report.plan)),
            )
        self._forget(self._invocation.run_id)

    def close(self) -> None:
        """Close the store. Runs that are still open are left to the next invocation, which sweeps them."""
        _ACTIVE.difference_update(self._own)
        self._own.clear()
        if self._recorder is not None:
            # A thread may still wait for the store, which may never answer. What it holds ends with the process.
            closing = threading.Thread(target=self._recorder.close, daemon=True)
            closing.start()
            closing.join(_CLOSING)

    @property
    def _writer(self) -> Recorder:
        if self._recorder is None:
            self._recorder = self._open_recorder()
        return self._recorder

    def _beat(self) -> None:
        try:
            for run in [*self._own.values()]:
                began = _now()
                with _unless_gone():
                    self._writer.heartbeat((run,))
                if not self._is_in_doubt(run.run_id):
                    self._sure[run.run_id] = began
            self._end_rest()
        except StoreUnavailableError as error:
            self._absence.note(error)
        else:
            self._absence.over()

    def _end(self, ending: _Ending) -> None:
        self._forget(ending.started.run_id)
        self._endings.append(ending)
        try:
            self._end_rest()
        except StoreUnavailableError as error:
            self._absence.note(error)

    def _end_rest(self) -> None:
        """End what should have been ended and is not yet."""
        while self._endings:
            ending = self._endings[0]
            with _unless_gone():
                self._writer.fail(
                    ending.started,
                    ending.failure if ending.has_files else None,
                    log=ending.log,
                    status=ending.status,
                    seconds=ending.seconds,
                )
            with contextlib.suppress(ValueError):  # a thread of ours was faster
                self._endings.remove(ending)

    def _new(self, plan: Plan, decision: Decision) -> NewAttempt:
        step = decision.step
        return NewAttempt(
            pipeline=plan.pipeline.name,
            step=step.id,
            call=str(step.call),
            experiment=step.experiment,
            key=None if decision.key is None else decision.key.hex,
            params=step.param_values,
            tags={**plan.pipeline.mlflow.tags, **_words(step)},
            description=step.description,
            label=self._surroundings.label,
            invocation=self.invocation,
            source=self._surroundings.source,
            git_commit=self._surroundings.git_commit,
            git_branch=self._surroundings.git_branch,
            git_remote=self._surroundings.git_remote,
        )

    def _upstream_params(self, plan: Plan) -> UpstreamParams:
        if self._params is None or self._params.pipeline is not plan.pipeline:
            self._params = UpstreamParams(plan.pipeline)
        return self._params

    def _final_metrics(self, report: RunReport) -> Mapping[str, float]:
        """Return the metrics of all steps that are complete now, including those that functions logged themselves."""
        logged = self._ledger.runs(unmeasured(report))
        by_step = {
            result.step: facts.metrics if (facts := logged.get(record.run_id)) else record.metrics
            for result in report.steps
            if (record := result.record) is not None
        }
        return final_metrics(by_step)

    def _begin_invocation(self, plan: Plan) -> None:
        """Start the invocation's run, and meet the others that are at work: in this order, so that of two at least one sees the other."""
        if self._invocation is None:
            self._surroundings = self._settings.invocation()
            steps = step_names(plan.pipeline)
            new = replace(self._surroundings, tags={**self._surroundings.tags, STEPS: steps})
            self._invocation = self._remember(self._writer.start_invocation(new))
            self._beat_due = time.monotonic() + _HEARTBEAT
        if self._has_met:
            return
        if self._writer.joins:
            self._others.meet(self._ledger.running(plan.pipeline.name))
        else:
            running = [one for one in self._ledger.running() if may_share(one, plan.pipeline)]
            for other in self._others.meet(running, self._ledger.published_lately()):
                with _unless_gone():
                    self._writer.tell_of_another(other)
        self._has_met = True

    def _sweep(self, attempts: Collection[Attempt]) -> tuple[str, ...]:
        """Mark the runs of dead processes, and clean up after them."""
        return settle(attempts, self._ledger, self._writer, self._settings.state, self._settings.redact)

    def _is_left_over(self, attempt: Attempt) -> bool:
        return attempt.owner == self._here and attempt.run_id not in _ACTIVE

    def _is_in_doubt(self, run_id: str) -> bool:
        """Return whether other processes may have considered the lease of a run dead, and have computed its key themselves.

        As long as that is not possible, the result of the search after the claim is still valid.
        """
        return _now() - self._sure.get(run_id, -math.inf) >= LEASE_SECONDS / 2

    def _remember(self, started: StartedRun) -> StartedRun:
        self._own[started.run_id] = started
        _ACTIVE.add(started.run_id)
        return started

    def _forget(self, run_id: str) -> None:
        self._own.pop(run_id, None)
        self._sure.pop(run_id, None)
        _ACTIVE.discard(run_id)

    def _about(self) -> dict[str, JSON]:
        return {**self._settings.about, "invocation": self.invocation}


def _now() -> float:
    """Return seconds that also pass while the process is stopped or the computer sleeps, by whichever clock continues."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    """Ignore that somebody deleted the run, but not that the store cannot be reached."""
    try:
        yield
    except StoreUnavailableError:
        raise
    except PipespecError:
        return


def _repeats(decision: Decision, *, forced: bool) -> bool:
    """Return whether the key may have been published before."""
    return forced or any(reason.kind in (ReasonKind.LOST, ReasonKind.WITNESS) for reason in decision.reasons)


def _words(step: StepSpec) -> dict[str, str]:
    point = {POINT: step.point} if step.point else {}
    return {f"pipespec.tag.{word}": "1" for word in step.tags} | point
