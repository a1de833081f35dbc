"""`pipespec logs`: the log of a step's last attempt or of a named run.

It is read from the local file during the run, and from the run afterwards.

Takes a ledger and a step. Returns text in pieces, without secrets. Refuses a step that was never attempted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from pipespec.errors import UsageError
from pipespec.operations.inspecting.step_states import is_left_behind
from pipespec.operations.planning.named_run import find_run
from pipespec.plan.records import Attempt, StepRecord
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.state_folder import StateFolder
from pipespec.step.secrets import Redactor
from pipespec.tracking import artifacts
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_names import LOG, STEP
from pipespec.tracking.run_facts import attempt as attempt_of

__all__ = ["read_log", "read_log_of_run"]

_PIECE: Final = 1 << 16
_BETWEEN_LOOKS: Final = 0.3
"""Seconds between two reads of a log that is followed."""


def read_log(
    spec: PipelineSpec,
    step: StepSpec,
    ledger: Ledger,
    redact: Redactor,
    *,
    follow: bool,
    reused: Callable[[], StepRecord | None],
) -> Iterator[str]:
    """Yield the log of a step's last attempt in pieces; with `follow`, also what is added until the attempt ends.

    If this pipeline never attempted the step, it is the log of the run that `reused` returns, whichever pipeline
    created it. While the step runs, its log is raw, so `redact` removes secrets from it, line by line.

    Raises:
        UsageError: if the step was never attempted, or left no log.
    """
    yield from _log_of(lambda: _last_attempt(spec, step, ledger, reused), spec, ledger, redact, follow=follow)


def read_log_of_run(
    name: str, spec: PipelineSpec, ledger: Ledger, redact: Redactor, *, follow: bool
) -> Iterator[str]:
    """Yield the log of the run of a step that `run:ID` names, in the same way as `read_log`.

    Raises:
        UsageError: if there is no such run, it is not a run of a step, or it left no log.
    """

    def look() -> Attempt:
        run = find_run(name, ledger)
        if STEP not in run.tags:
            raise UsageError(
                f"run {run.run_id} is a whole invocation, which has no log; name the run of a step"
            )
        return attempt_of(run)

    yield from _log_of(look, spec, ledger, redact, follow=follow)


def _log_of(
    look: Callable[[], Attempt], spec: PipelineSpec, ledger: Ledger, redact: Redactor, *, follow: bool
) -> Iterator[str]:
    attempt = look()
    local = StateFolder.of(spec.root).log_of(attempt.run_id)
    try:
        opened = local.open("rb")
    except OSError as error:
        if attempt.status == "RUNNING" and not isinstance(error, FileNotFoundError):
            raise UsageError(f"the log '{local}' cannot be read: {_reason(error)}") from None
        yield _recorded_log(attempt, ledger)
        return
    with opened as log:
        unread = b""
        while True:
            while piece := log.read(_PIECE):
                whole, newline, rest = (unread + piece).rpartition(b"\n")
                yield redact.clean(whole + newline).decode(errors="replace")
                unread = rest
            last = look()
            if not follow or last.status != "RUNNING" or is_left_behind(last):
                # What was written between our last read and its end.
                yield redact.clean(unread + log.read()).decode(errors="replace")
                return
            time.sleep(_BETWEEN_LOOKS)


def _last_attempt(
    spec: PipelineSpec, step: StepSpec, ledger: Ledger, reused: Callable[[], StepRecord | None]
) -> Attempt:
    """Return the pipeline's own last attempt. A step of another pipeline with the same name does not count."""
    own = ledger.attempts((step.id,), spec.name).get(step.id)
    if own is not None:
        return own
    record = reused()
    run = None if record is None else ledger.run(record.run_id)
    if run is None:
        raise UsageError(f"step '{step.id}' has never been executed, so it has no log")
    return attempt_of(run)


def _recorded_log(attempt: Attempt, ledger: Ledger) -> str:
    try:
        return artifacts.read(attempt.artifact_uri, LOG, ledger.tracking_uri).decode(errors="replace")
    except FileNotFoundError:
        raise UsageError(f"run {attempt.run_id} of step '{attempt.step}' has no log") from None
    except PermissionError as error:
        raise UsageError(
            f"the log of run {attempt.run_id} cannot be read: {_reason(error)} ('{error.filename}')"
        ) from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
