"""One invocation: what each of its steps is doing, and what the result was.

Takes a plan, wave by wave. Luigi decides which step gets a turn, in this process or, for a rendered module, in another
one. At its turn, a step is decided (its inputs are known now), claimed, executed, published, or tried again. All this
happens in one thread, which waits in one place, for the executor. Only publications to a store that is remote or not
reachable happen in other threads. If the store is not reachable, running steps continue, their results wait, and no new
step is started. A step is complete only if this invocation has its record, whatever others report.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from pipespec.engine.attempts import Attempts, Claim
from pipespec.engine.awaited_runs import AwaitedRuns
from pipespec.engine.failed_work import keep_failed_work
from pipespec.engine.interrupts import Interrupts
from pipespec.engine.joined_results import JoinedResults
from pipespec.engine.other_runs import FailedElsewhere
from pipespec.engine.places.step_places import StepPlaces
from pipespec.engine.processes.executors import Executor
from pipespec.engine.progress_events import Progress
from pipespec.engine.publications import Publication, Publications
from pipespec.engine.readiness import culprits, waits_for
from pipespec.engine.remedies import refused_runs, remedy_for
from pipespec.engine.run_settings import RunSettings
from pipespec.engine.settled_steps import SettledSteps
from pipespec.engine.source_snapshot import SourceSnapshot
from pipespec.engine.staging import Staging
from pipespec.engine.step_in_progress import StepInProgress
from pipespec.engine.step_jobs import PartDigests
from pipespec.engine.step_results import (
    blocked,
    cancelled,
    completed,
    failed,
    failed_elsewhere,
    why_not_run,
)
from pipespec.engine.step_turns import StepTurn, StepTurns, at_its_turn
from pipespec.engine.store_absence import StoreAbsence
from pipespec.engine.unpublished_results import keep_result
from pipespec.errors import (
    ClusterUnavailableError,
    MissingPackageError,
    PipespecError,
    StoreUnavailableError,
    TakenOverError,
)
from pipespec.frozen_values import frozen
from pipespec.plan.plan import Decision, Plan
from pipespec.plan.records import StepRecord
from pipespec.plan.results import Execution, Remedy, StepResult, StepStarted, StepState, StoreAway
from pipespec.step.step_job import Failure, StepOutcome, activity_path
from pipespec.step.step_log import clean_log
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.started_run import StartedRun

__all__ = ["Invocation"]

_TICK: Final = 0.25
"""Seconds between ticks of the progress."""

_ASK_AGAIN: Final = 1.0
"""Seconds until another invocation that computes the same key is checked again, and a luigid asked for work."""


@frozen
class _Pause:
    """A step that waits until `due`: for its next try after it `failed`, for another invocation, or for a store."""

    due: float
    number: int
    failed: StepResult | None = None
    asked: int = 0
    """How often the unreachable store was asked because of this step."""


class Invocation:
    """The state of one invocation. Luigi drives it by `slots`, `stopping`, `begin` and `next_ended`.

    Without Luigi in this process, it is driven by `begin`, `turn` and `pop_ended`.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        parts: PartDigests,
        attempts: Attempts,
        absence: StoreAbsence,
        executor: Executor,
        publications: Publications,
        staging: Staging,
        settings: RunSettings,
        interrupts: Interrupts,
        progress: Progress,
        began: float,
    ) -> None:
        """Run plans. `began` is when the run began, by the monotonic clock."""
        self._ledger = ledger
        self._parts = parts
        self._attempts = attempts
        self._absence = absence
        self._told_away: StoreAway | None = None
        self._has_begun = False
        self.lost_store: StoreUnavailableError | None = None
        """Why something could not be started, or published, during the whole time that the run waits for its store."""
        self.lost_cluster: ClusterUnavailableError | None = None
        """Why steps that executed on a cluster were given up."""
        self.kept: dict[str, Path] = {}
        """The steps whose results the next run publishes, each with the place of the results."""
        self._executor = executor
        self._publications = publications
        self._staging = staging
        self._settings = settings
        self._interrupts = interrupts
        self._progress = progress
        self._began = began
        self._turns = StepTurns(ledger, attempts)
        self._awaited = AwaitedRuns(attempts, progress)
        self._code = SourceSnapshot(staging.make("code"))
        self._plan: Plan
        self.settled = SettledSteps(progress)
        self._joined = JoinedResults(attempts, publications, self.settled, staging)
        self._joins = False
        """Whether Luigi may be told of results first: it is in this process, and decides what comes next."""
        self._decisions: dict[str, Decision] = {}
        """For steps that had their turn: what was decided then."""
        self._executing: dict[str, StepInProgress] = {}
        self._places = StepPlaces(settings, executor)
        self._begun: dict[str, StartedRun] = {}
        """The runs of steps that have begun, until they are requested."""
        self._pausing: dict[str, _Pause] = {}
        self._is_closing = False
        self._obeyed = 0

    def take(self, plan: Plan) -> None:
        """Continue with a plan, and settle its steps that need no turn. What is complete from an earlier plan stays complete."""
        self._plan = plan
        self._places.take(plan)
        self.settled.settle_reused(self._plan)

    def forget(self) -> None:
        """Forget what has ended, so that the next plan determines what is complete."""
        self.settled.forget()

    def drain(self) -> None:
        """Start nothing more, and wait until everything that was started has ended."""
        self._is_closing = True
        self.finish_begun()

    def finish_begun(self) -> None:
        """Write the results of which Luigi was told in advance, and wait for those that are written by threads."""
        self._joined.publish()
        while self.is_busy:
            self.turn()

    def fail(self, step: str, error: str) -> None:
        """Let a step fail before its turn."""
        self.settled.settle(StepResult(step, StepState.FAILED, error=error))

    def settle_rest(self) -> None:
        """Report for each step that did not get its turn why not."""
        culprit_of = culprits(waits_for(self._plan), self.settled.failed)
        for step, decision in self._plan.decisions.items():
            if step not in self.settled.results:
                culprit = culprit_of.get(step)
                self.settled.settle(
                    self._cancelled(decision) if culprit is None else blocked(decision, culprit)
                )

    @property
    def carried_out(self) -> Plan:
        """The last plan, with each step as it was decided at its turn, and with its current record."""
        decided = {
            step: replace(
                at_its_turn(planned, self._decisions.get(step)), record=self.settled.records.get(step)
            )
            for step, planned in self._plan.decisions.items()
        }
        return replace(self._plan, decisions=decided)

    # ----------------------------------------------------------------------------- what Luigi drives

    @property
    def slots(self) -> int:
        """The number of steps that may execute, plus those that wait or are published without executing."""
        places = self._places.count
        publishing = min(len(self._publications), places)
        return places + len(self._pausing) + publishing

    @property
    def used(self) -> Mapping[str, int]:
        """What of the resources the steps use that execute."""
        return self._places.used(self._executing)

    @property
    def stopping(self) -> bool:
        """True after an interrupt, and after a failure, unless the run continues after failures."""
        is_failing = bool(self.settled.failed) and not self._settings.keep_going
        is_lost = self.lost_store is not None or self.lost_cluster is not None
        return is_failing or is_lost or self._is_closing or self._interrupts.count > 0

    def tell_of_store(self, error: StoreUnavailableError | None) -> None:
        """Report whether the store took the end of the invocation's run, which this does not write itself."""
        if error is None:
            self._absence.over()
        else:
            self._absence.note(error)
        self._tell_of_store()

    @property
    def is_busy(self) -> bool:
        """True while a step executes, waits for this, or is published."""
        return bool(self._executing or self._pausing or self._publications or self._joined)

    def begin(self, step: str) -> None:
        """Give a step its turn, or let it wait where others have all the places of its kind, or what it needs."""
        if self._places.may_begin(step, self._executing):
            self._try(step, 1, waited=False)
        else:
            self._pausing[step] = _Pause(time.monotonic(), 1)

    def next_ended(self) -> tuple[str, bool] | None:
        """Wait until a step has ended. Return None after a while, and when Luigi may have more steps to hand out."""
        self._joins = self._settings.scheduler is None
        before = (self.slots, self.stopping)
        until = time.monotonic() + _ASK_AGAIN
        while not self.settled.ended:
            if (self.slots, self.stopping) != before or time.monotonic() >= until:
                return None
            self.turn()
        return self.pop_ended()

    def pop_begun(self) -> Mapping[str, StartedRun]:
        """Return the runs that have begun and were not reported yet, by step."""
        begun, self._begun = self._begun, {}
        return begun

    def pop_ended(self) -> tuple[str, bool] | None:
        """Return a step that has ended and was not reported yet, with whether it is complete."""
        return self.settled.ended.popleft() if self.settled.ended else None

    def cancel(self, step: str) -> None:
        """End a step for which nobody waits any more."""
        if step in self._executing:
            self._executor.cancel(step, at_once=False)

    def turn(self) -> None:
        """Do what is due, and wait a moment for the executor."""
        self._joined.publish()
        self._obey_interrupts()
        self._resume()
        self._attempts.keep_alive()
        for outcome in self._executor.wait(0.0 if self.settled.ended else self._until_something_is_due()):
            self._take(outcome)
        self._resume()  # before Luigi hands out what became free
        self._settle_published()
        self._tell_of_store()
        self._progress.tick()

    def _until_something_is_due(self) -> float:
        now = time.monotonic()
        dues = [
            pause.due - now
            for step, pause in self._pausing.items()
            if self._places.has_room(step, self._executing)
        ]
        return max(0.0, min([_TICK, *dues]))

    def _obey_interrupts(self) -> None:
        """End what executes: gently at the first signal, immediately at the next."""
        if self._interrupts.count == self._obeyed:
            return
        self._obeyed = self._interrupts.count
        self._publications.hurry()
        for step in self._executing:
            self._executor.cancel(step, at_once=self._obeyed > 1)

    def _resume(self) -> None:
        """Let steps that have waited long enough try again, as far as there is room. When the run stops, nothing waits."""
        now = time.monotonic()
        for step, pause in list(self._pausing.items()):
            if self.stopping:
                del self._pausing[step]
                self.settled.settle(pause.failed or self._cancelled(self._plan.decisions[step]))
            elif pause.due <= now and self._places.has_room(step, self._executing):
                del self._pausing[step]
                self._try(step, pause.number, waited=pause.failed is None, asked=pause.asked)

    def _take_turn(self, step: str, *, waited: bool) -> StepTurn | None:
        """Request a step's turn, and publish what waits for its start. Return None if this failed; it is then done separately."""
        if self._plan.decisions[step].same_as is not None:
            self._joined.publish()
        with self._interrupts.asking():
            try:
                return self._turns.take(self._plan, step, self.settled.records, waited=waited)
            except PipespecError:
                if not self._joined:
                    raise
        self._joined.publish()
        self._settle_published()
        return None

    def _is_ready(self, step: str, number: int) -> bool:
        """Return whether all steps upstream are complete, as Luigi was told. Otherwise block the step, or let it wait."""
        missing = [above for above in self._plan.pipeline.upstream[step] if above in self.settled.missing]
        if not missing:
            return True
        culprit = next((above for above in missing if above in self.settled.failed), None)
        if culprit is not None:
            self.settled.settle(blocked(self._plan.decisions[step], culprit))
        else:
            self._pausing[step] = _Pause(time.monotonic() + _ASK_AGAIN, number)
        return False

    def _try(self, step: str, number: int, *, waited: bool, asked: int = 0) -> None:
        if not self._is_ready(step, number):
            return
        try:
            turn = self._take_turn(step, waited=waited)
            if turn is None:
                self._try(step, number, waited=waited, asked=asked)
                return
        except StoreUnavailableError as error:
            self._wait_for_store(step, number, error, asked)
            return
        except MissingPackageError:
            raise  # no step can be recorded without it
        except PipespecError as error:
            self._absence.over(step)
            self.settled.settle(StepResult(step, StepState.FAILED, error=str(error)))
            return
        self._absence.over(step)
        decision = self._decisions[step] = turn.decision
        match turn.claim:
            case Claim() as claim:
                self._execute(decision, claim, number, turn.upstream)
            case StepRecord() as record:
                self.settled.settle(completed(decision.step, record, StepState.REUSED), record)
            case FailedElsewhere() as other:
                log = self._settings.log_of(other.run_id)
                self.settled.settle(failed_elsewhere(decision, other, log))
            case None:
                self._pausing[step] = _Pause(time.monotonic() + _ASK_AGAIN, number)
                self._tell_awaited(decision)

    def _wait_for_store(self, step: str, number: int, error: StoreUnavailableError, asked: int) -> None:
        """Ask again later, within the run's waiting time. If nothing has begun yet, the run does not wait.

        Raises:
            StoreUnavailableError: if this is the first step of the run.
        """
        if not self._has_begun and not self._interrupts.count:
            raise error
        self._absence.note(error, step)
        if self._absence.is_spent(step):
            self.lost_store = error
        if self.stopping:
            self.settled.settle(self._cancelled(self._plan.decisions[step]))
        else:
            due = time.monotonic() + self._absence.pause(step, asked)
            self._pausing[step] = _Pause(due, number, asked=asked + 1)

    def _tell_awaited(self, decision: Decision) -> None:
        if decision.key is not None:
            with contextlib.suppress(PipespecError):  # it is asked again, and reported then
                self._awaited.note(decision.step.id, decision.key.hex)

    def _tell_of_store(self) -> None:
        away = self._absence.current
        if (away is None) != (self._told_away is None):
            self._told_away = away
            self._progress.store_away(away)

    def _execute(
        self, decision: Decision, claim: Claim, number: int, upstream: Mapping[str, StepRecord]
    ) -> None:
        self._has_begun = True
        step, run_id = decision.step, claim.started.run_id
        log, staging = self._settings.log_of(run_id), self._staging.make(run_id)
        given = self._places.hand_out(step)
        worker = self._free_worker()
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # a step may have removed it
        execution = StepInProgress(
            decision, claim, number, worker, self._now(), staging, log, upstream, given
        )
        self._executing[step.id] = execution
        self._begun[step.id] = claim.started
        self._progress.started(StepStarted(step.id, run_id, str(log), number, str(activity_path(staging))))
        try:
            job = execution.job(
                self._plan, self._settings, self._parts, self._code, self._ledger.tracking_uri
            )
        except StoreUnavailableError as error:
            self._take(StepOutcome(step.id, 0.0, failure=Failure("store", str(error))))
            return
        except PipespecError as error:
            self._take(StepOutcome(step.id, 0.0, failure=Failure("changed", str(error))))
            return
        self._executor.submit(job, timeout=step.timeout, cluster=self._places.cluster_terms(step))

    def _free_worker(self) -> int:
        taken = {execution.worker for execution in self._executing.values()}
        return next(number for number in count() if number not in taken)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _take(self, outcome: StepOutcome) -> None:
        """Publish a step's result, or end its run. The step is then settled, or will be tried again."""
        execution = self._executing.pop(outcome.step)
        self._places.take_back(outcome.step)
        run_id = execution.claim.started.run_id
        now = self._now()
        began = execution.started
        if self._settings.is_on_cluster(execution.decision.step):  # it may have waited on the cluster
            began = max(began, now - outcome.seconds)
        executed = Execution(run_id, execution.worker, began, now)
        self.settled.note_execution(outcome.step, executed)
        # Again, for a process that died, or that wrote until the end.
        clean_log(execution.log, self._settings.redact)
        if outcome.failure is not None:
            self._fail_execution(execution, outcome.failure, outcome.seconds)
            return
        result = self._attempts.result(
            execution.claim,
            outcome,
            plan=self._plan,
            decision=execution.decision,
            upstream=execution.upstream,
            log=execution.log,
            staging=execution.staging,
        )
        may_join = self._joins and self._absence.current is None
        if not (may_join and self._joined.take(execution, result)):
            publish = partial(self._attempts.publish, result)
            self._publications.begin(execution, result, publish, takes_long=not outcome.is_uploaded)

    def _settle_published(self) -> None:
        """Use what was published meanwhile as the steps' records."""
        for publication in self._publications.take_ended():
            execution, seconds = publication.step, publication.result.outcome.seconds
            try:
                published = publication.published.result()
            except StoreUnavailableError as error:
                self._keep(publication, error)
                continue
            except TakenOverError:  # that one is waited for like any other
                self._pausing[execution.decision.step.id] = _Pause(time.monotonic(), execution.number)
                self._staging.discard(execution.staging)
                continue
            except (PipespecError, OSError) as error:
                why = Failure("store", f"its result could not be recorded: {error}")
                self._fail_execution(execution, why, seconds)
                continue
            step, record = execution.decision.step, published.record
            if published.is_ours:
                result = completed(step, record, StepState.RAN, seconds=seconds, log=execution.log)
            else:
                result = completed(step, record, StepState.REUSED)
            self.settled.settle(result, record)
            self._staging.discard(execution.staging)

    def _keep(self, publication: Publication, error: StoreUnavailableError) -> None:
        """Leave a result to the next run."""
        execution, result = publication.step, publication.result
        try:
            place = keep_result(result, self._settings.state.unpublished, self._ledger.tracking_uri)
        except OSError as trouble:
            why = Failure("store", f"its result could neither be published nor kept: {error}; {trouble}")
            self._fail_execution(execution, why, result.outcome.seconds)
            return
        step = execution.decision.step.id
        self.lost_store, self.kept[step] = error, place
        why = Failure("store", f"its result is kept, and published by the next run: {error}")
        self._attempts.let_go(result.started, why)
        self.settled.settle(failed(result.started, why, seconds=result.outcome.seconds, log=execution.log))

    def _fail_execution(self, execution: StepInProgress, failure: Failure, seconds: float) -> None:
        failure = keep_failed_work(execution.staging, self._settings.state.failed, failure)
        self._attempts.fail(execution.claim.started, failure, execution.log, seconds)
        refused = refused_runs(execution.decision, execution.upstream, failure, self._plan.facts)
        for run_id in refused:
            found_by = execution.decision.step.id
            self._attempts.mark_damaged(run_id, f"content gone or altered, found by '{found_by}'")
        self._after_failure(execution, failure, seconds, remedy_for(refused, self._plan.facts))
        self._staging.discard(execution.staging)

    def _after_failure(
        self, execution: StepInProgress, failure: Failure, seconds: float, remedy: Remedy | None
    ) -> None:
        started, retry = execution.claim.started, execution.decision.step.retry
        if failure.kind == "cancelled":
            self.settled.settle(self._cancelled(execution.decision, started))
            return
        if failure.kind == "cluster":
            self.lost_cluster = ClusterUnavailableError(failure.message)
        result = failed(started, failure, seconds=seconds, log=execution.log, remedy=remedy)
        if execution.number <= retry.times and failure.kind not in ("changed", "cluster"):
            due = time.monotonic() + retry.wait_after(execution.number)
            self._pausing[started.step] = _Pause(due, execution.number + 1, failed=result)
        else:
            self.settled.settle(result)

    def _cancelled(self, decision: Decision, started: StartedRun | None = None) -> StepResult:
        first = next(iter(self.settled.failed), None)
        why = why_not_run(decision.step, signum=self._interrupts.signum, failed=first)
        return cancelled(decision, why, started)
