"""One invocation: what each of its steps is doing, and what became of it.

Takes a plan, wave by wave; Luigi says whose turn it is, in this process or, for a rendered module, in another. A step
whose turn has come is decided (its inputs are known now), claimed, executed, published, or tried again; all in one
thread, which waits in one place, for the executor. A step is complete when we have its record, and by nothing that
anybody else says.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from pipespec.engine.attempts import Attempts, Claim
from pipespec.engine.executors import Executor
from pipespec.engine.interrupts import Interrupts
from pipespec.engine.jobs import JobPlace, PartDigests, job_for
from pipespec.engine.progress import Progress
from pipespec.engine.results import blocked, cancelled, completed, failed, why_not_run
from pipespec.engine.settings import RunSettings
from pipespec.engine.sources import PlannedFiles
from pipespec.engine.staging import Staging
from pipespec.engine.waves import culprits, waits_for
from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.plan.model import (
    Action,
    Decision,
    Execution,
    Plan,
    ReasonKind,
    StepRecord,
    StepResult,
    StepStarted,
    StepState,
)
from pipespec.plan.planner import decide
from pipespec.spec.model import StepInput, StepSpec
from pipespec.step.log import clean_log
from pipespec.step.model import Failure, StepJob, StepOutcome
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.model import StartedRun

__all__ = ["Invocation"]

_TICK: Final = 0.25
"""Seconds between ticks of the progress."""

_ASK_AGAIN: Final = 1.0
"""Seconds until another invocation that computes the same key is looked at again, and a luigid asked for work."""


@dataclass(frozen=True, slots=True)
class _Execution:
    """A step that executes, for the `number`th time, on a `worker` that has no other."""

    decision: Decision
    claim: Claim
    number: int
    worker: int
    started: float
    staging: Path
    log: Path
    upstream: Mapping[str, StepRecord]


@dataclass(frozen=True, slots=True)
class _Pause:
    """A step that waits until `due`: for its next try after it `failed`, or for another invocation."""

    due: float
    number: int
    failed: StepResult | None = None


class Invocation:
    """The state of one invocation; Luigi drives it by `slots`, `stopping`, `begin` and `next_ended`.

    Without Luigi in this process it is driven by `begin`, `turn` and `pop_ended`.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        parts: PartDigests,
        attempts: Attempts,
        executor: Executor,
        staging: Staging,
        settings: RunSettings,
        interrupts: Interrupts,
        progress: Progress,
        began: float,
    ) -> None:
        """Conduct plans; `began` is when the run did, by the monotonic clock."""
        self._ledger = ledger
        self._parts = parts
        self._attempts = attempts
        self._executor = executor
        self._staging = staging
        self._settings = settings
        self._interrupts = interrupts
        self._progress = progress
        self._began = began
        self._sources = PlannedFiles(settings.source_files)
        self._plan: Plan
        self.results: dict[str, StepResult] = {}
        self.records: dict[str, StepRecord] = {}
        """Of each complete step."""
        self._decisions: dict[str, Decision] = {}
        """Of steps that had their turn, as it was decided then."""
        self._executions: dict[str, list[Execution]] = {}
        self._executing: dict[str, _Execution] = {}
        self._pausing: dict[str, _Pause] = {}
        self._ended: deque[tuple[str, bool]] = deque()
        self.failed: dict[str, None] = {}
        """The steps that failed, in order."""
        self._is_closing = False
        self._obeyed = 0

    def take(self, plan: Plan) -> None:
        """Go on with a plan, and settle what of it needs no turn. What is complete from an earlier one stays so."""
        self._plan = plan
        self._settle_reused()

    def forget(self) -> None:
        """Know of nothing that ended, so that the next plan says what is complete."""
        self.results, self.records = {}, {}
        self.failed.clear()

    def drain(self) -> None:
        """Begin nothing more, and wait until what was begun has ended."""
        self._is_closing = True
        while self.is_busy:
            self.turn()

    def fail(self, step: str, error: str) -> None:
        """Let a step fail before its turn."""
        self._settle(StepResult(step, StepState.FAILED, error=error))

    def settle_rest(self) -> None:
        """Say of each step that did not get its turn why not."""
        culprit_of = culprits(waits_for(self._plan), self.failed)
        for step, decision in self._plan.decisions.items():
            if step not in self.results:
                culprit = culprit_of.get(step)
                self._settle(self._cancelled(decision) if culprit is None else blocked(decision, culprit))

    @property
    def carried_out(self) -> Plan:
        """The last plan, each step as it was decided at its turn, with the record that it has now."""
        decided = {
            step: replace(_at_its_turn(planned, self._decisions.get(step)), record=self.records.get(step))
            for step, planned in self._plan.decisions.items()
        }
        return replace(self._plan, decisions=decided)

    # ----------------------------------------------------------------------------- what Luigi drives

    @property
    def slots(self) -> int:
        """As many as may execute, and those that wait without executing."""
        return self._settings.workers + len(self._pausing)

    @property
    def stopping(self) -> bool:
        """True after an interrupt, and after a failure unless the run is to go on."""
        is_failing = bool(self.failed) and not self._settings.keep_going
        return is_failing or self._is_closing or self._interrupts.count > 0

    @property
    def is_busy(self) -> bool:
        """True while a step executes, or waits to."""
        return bool(self._executing or self._pausing)

    def begin(self, step: str) -> None:
        """Give a step its turn."""
        self._try(step, 1, waited=False)

    def next_ended(self) -> tuple[str, bool] | None:
        """Wait until a step ended; None after a while, and when Luigi may have more to hand out."""
        before = (self.slots, self.stopping)
        until = time.monotonic() + _ASK_AGAIN
        while not self._ended:
            if (self.slots, self.stopping) != before or time.monotonic() >= until:
                return None
            self.turn()
        return self.pop_ended()

    def pop_ended(self) -> tuple[str, bool] | None:
        """Return a step that ended and was not told of yet, with whether it is complete."""
        return self._ended.popleft() if self._ended else None

    def cancel(self, step: str) -> None:
        """End a step that nobody waits for any more."""
        if step in self._executing:
            self._executor.cancel(step, at_once=False)

    def turn(self) -> None:
        """Do what is due, and wait a moment for the executor."""
        self._obey_interrupts()
        self._resume()
        self._attempts.keep_alive()
        for outcome in self._executor.wait(0.0 if self._ended else self._until_something_is_due()):
            self._take(outcome)
        self._progress.tick()

    def _until_something_is_due(self) -> float:
        dues = [pause.due - time.monotonic() for pause in self._pausing.values()] if self._has_room else []
        return max(0.0, min([_TICK, *dues]))

    @property
    def _has_room(self) -> bool:
        return len(self._executing) < self._settings.workers

    def _obey_interrupts(self) -> None:
        """End what executes: kindly at the first signal, at once at the next."""
        if self._interrupts.count == self._obeyed:
            return
        self._obeyed = self._interrupts.count
        for step in self._executing:
            self._executor.cancel(step, at_once=self._obeyed > 1)

    def _resume(self) -> None:
        """Let what has waited long enough try again, as far as there is room; nothing waits once we stop."""
        now = time.monotonic()
        for step, pause in list(self._pausing.items()):
            if self.stopping:
                del self._pausing[step]
                self._settle(pause.failed or self._cancelled(self._plan.decisions[step]))
            elif pause.due <= now and self._has_room:
                del self._pausing[step]
                self._try(step, pause.number, waited=pause.failed is None)

    # ------------------------------------------------------------------------------------- one step

    def _try(self, step: str, number: int, *, waited: bool) -> None:
        planned = self._plan.decisions[step]
        try:
            self._sources.require_unchanged()
            upstream = {producer: self.records[producer] for producer in _producers(planned.step)}
            decision = self._decisions[step] = self._decide(planned, upstream)
            if decision.record is not None:
                self._settle_complete(
                    completed(decision.step, decision.record, StepState.REUSED), decision.record
                )
                return
            forced = step in self._plan.forced
            claim = self._attempts.claim(self._plan, decision, forced=forced, waited=waited)
        except StoreUnavailableError:
            raise
        except PipespecError as error:
            self._settle(StepResult(step, StepState.FAILED, error=str(error)))
            return
        match claim:
            case Claim():
                self._execute(decision, claim, number, upstream)
            case StepRecord() as record:
                self._settle_complete(completed(decision.step, record, StepState.REUSED), record)
            case None:
                self._pausing[step] = _Pause(time.monotonic() + _ASK_AGAIN, number)

    def _decide(self, planned: Decision, upstream: Mapping[str, StepRecord]) -> Decision:
        if planned.step.identity.never or (planned.action is Action.RUN and planned.key is not None):
            return planned
        # The twin of a forced step takes that one's new record.
        forced = planned.step.id in self._plan.forced and planned.same_as is None
        return decide(planned.step, self._plan.facts, self._ledger, upstream, forced=forced)

    def _execute(
        self, decision: Decision, claim: Claim, number: int, upstream: Mapping[str, StepRecord]
    ) -> None:
        step, run_id = decision.step, claim.started.run_id
        log = self._settings.log_of(run_id)
        execution = _Execution(
            decision,
            claim,
            number,
            self._free_worker(),
            self._now(),
            self._staging.make(run_id),
            log,
            upstream,
        )
        self._executing[step.id] = execution
        self._progress.started(StepStarted(step.id, run_id, str(log), number))
        try:
            job = self._job(execution)
        except StoreUnavailableError:
            raise
        except PipespecError as error:
            self._take(StepOutcome(step.id, 0.0, failure=Failure("changed", str(error))))
            return
        self._executor.submit(job, timeout=step.timeout)

    def _free_worker(self) -> int:
        taken = {execution.worker for execution in self._executing.values()}
        return next(number for number in count() if number not in taken)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _job(self, execution: _Execution) -> StepJob:
        decision, started = execution.decision, execution.claim.started
        place = JobPlace(
            tracking_uri=self._ledger.tracking_uri,
            run_id=started.run_id,
            experiment_id=started.experiment_id,
            artifact_uri=started.artifact_uri,
            staging=execution.staging,
            log=execution.log,
            downloads=self._settings.state / "downloads",
            secrets=self._settings.redact.names,
        )
        return job_for(
            decision.step,
            self._plan.pipeline,
            self._plan.facts,
            key=decision.key,
            upstream=execution.upstream,
            external=self._settings.external,
            parts=self._parts,
            place=place,
        )

    def _take(self, outcome: StepOutcome) -> None:
        """Publish what a step made, or end its run; then it is settled, or will be tried again."""
        execution = self._executing.pop(outcome.step)
        run_id = execution.claim.started.run_id
        executed = Execution(run_id, execution.worker, execution.started, self._now())
        self._executions.setdefault(outcome.step, []).append(executed)
        # Again, for a process that died, or that wrote until its very end.
        clean_log(execution.log, self._settings.redact)
        failure = outcome.failure
        if failure is None:
            failure = self._publish(execution, outcome)
        if failure is not None:
            self._attempts.fail(execution.claim.started, failure, execution.log)
            self._after_failure(execution, failure, outcome.seconds)
        self._staging.discard(execution.staging)

    def _publish(self, execution: _Execution, outcome: StepOutcome) -> Failure | None:
        decision = execution.decision
        try:
            published = self._attempts.publish(
                execution.claim,
                outcome,
                plan=self._plan,
                decision=decision,
                upstream=execution.upstream,
                log=execution.log,
            )
        except StoreUnavailableError:
            raise
        except (PipespecError, OSError) as error:
            return Failure("store", f"its result could not be published: {error}")
        step, record = decision.step, published.record
        if published.is_ours:
            result = completed(step, record, StepState.RAN, seconds=outcome.seconds, log=execution.log)
        else:
            result = completed(step, record, StepState.REUSED)
        self._settle_complete(result, record)
        return None

    def _after_failure(self, execution: _Execution, failure: Failure, seconds: float) -> None:
        started, retry = execution.claim.started, execution.decision.step.retry
        if failure.kind == "cancelled":
            self._settle(self._cancelled(execution.decision, started))
            return
        result = failed(started, failure, seconds=seconds, log=execution.log)
        if execution.number <= retry.times and failure.kind != "changed":
            due = time.monotonic() + retry.wait
            self._pausing[started.step] = _Pause(due, execution.number + 1, failed=result)
        else:
            self._settle(result)

    def _settle_complete(self, result: StepResult, record: StepRecord) -> None:
        """Take a record as the step's, unless it misses the step's bounds."""
        if result.state is not StepState.FAILED:
            self.records[result.step] = record
        self._settle(result)

    def _settle(self, result: StepResult) -> None:
        result = replace(result, executions=tuple(self._executions.get(result.step, ())))
        self.results[result.step] = result
        if result.state is StepState.FAILED:
            self.failed[result.step] = None
        else:
            self.failed.pop(result.step, None)
        self._ended.append((result.step, result.step in self.records))
        self._progress.ended(result)

    def _settle_reused(self) -> None:
        """Settle what needs no turn, but for what depends on a reused step that misses its bounds."""
        shut = set(self.failed)
        for step, above in waits_for(self._plan).items():
            decision = self._plan.decisions[step]
            if any(other in shut for other in above):
                shut.add(step)
            elif decision.record is not None and step not in self.results:
                self._settle_complete(
                    completed(decision.step, decision.record, StepState.REUSED), decision.record
                )
                shut.update(self.failed.keys() & {step})
        self._ended.clear()

    def _cancelled(self, decision: Decision, started: StartedRun | None = None) -> StepResult:
        first = next(iter(self.failed), None)
        why = why_not_run(decision.step, signum=self._interrupts.signum, failed=first)
        return cancelled(decision, why, started)


def _at_its_turn(planned: Decision, decided: Decision | None) -> Decision:
    """Return what was decided; a step that never ran before the run has not changed since another of its variants did."""
    if decided is None:
        return planned
    never = tuple(reason for reason in planned.reasons if reason.kind is ReasonKind.NEVER_RAN)
    return replace(decided, reasons=never) if never and decided.action is Action.RUN else decided


def _producers(step: StepSpec) -> tuple[str, ...]:
    """The steps whose outputs this one reads."""
    sources = (spec.source for spec in step.inputs.values())
    return tuple(
        producer for source in sources if isinstance(source, StepInput) for producer in source.producers
    )
