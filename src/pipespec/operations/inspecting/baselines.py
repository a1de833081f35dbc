"""The run with which others are compared: found by its id, a tag or a commit, or marked by `baseline set`.

Takes a ledger and what a user names. Returns the run. A marked run has the tag `baseline`; there is one run for each
name and each step of a pipeline, or its invocations. A baseline that was deleted is reported and never skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.planning.named_run import find_run, require_ours
from pipespec.plan.run_comparison import NewBaseline
from pipespec.project.git_revision import commit_of
from pipespec.tracking import record_names
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts

if TYPE_CHECKING:
    from pipespec.tracking.writing.recorder import Recorder

__all__ = ["BASELINE", "DEFAULT_NAME", "Subject", "find_baseline", "marked_baseline", "set_baseline"]

BASELINE: Final = "baseline"
"""The tag that marks one."""
DEFAULT_NAME: Final = "default"

_COMMIT: Final = "mlflow.source.git.commit"


@frozen
class Subject:
    """The subject of runs: the invocations of a pipeline, or a declared step of it."""

    pipeline: str
    step: str | None = None

    @classmethod
    def of(cls, run: RunFacts) -> Subject:
        """Return the subject of a run."""
        step = run.tags.get(record_names.STEP)
        return cls(run.tags[record_names.PIPELINE], None if step is None else record_names.declared(step))

    def __str__(self) -> str:
        if self.step is None:
            return f"invocations of pipeline '{self.pipeline}'"
        return f"runs of step '{self.step}' of pipeline '{self.pipeline}'"


def find_baseline(name: str, subject: Subject, ledger: Ledger, root: Path) -> RunFacts:
    """Return the newest finished run of this subject that `run:ID`, an id, `tag:KEY=VALUE` or `@COMMIT` means.

    Raises:
        UsageError: if there is none, or it was deleted.
    """
    if name.startswith("tag:"):
        key, equals, value = name.removeprefix("tag:").partition("=")
        if not key or not equals:
            raise UsageError(f"'{name}' names no tag with its value; write it as 'tag:baseline=prod'")
        return _tagged(key, value, subject, ledger)
    if name.startswith("@"):
        commit = commit_of(root, name.removeprefix("@"))
        found = _first(ledger.marked(_COMMIT, commit), subject)
        if found is None:
            raise UsageError(f"no finished run is at commit {commit[:12]} among the {subject}")
        return found
    run = find_run(name, ledger)
    require_ours(run)
    return run


def _tagged(key: str, value: str, subject: Subject, ledger: Ledger) -> RunFacts:
    try:
        found = _first(_with_value(ledger.marked(key), key, value), subject)
        gone = None if found else _first(_with_value(ledger.marked(key, deleted=True), key, value), subject)
    except ValueError as error:
        raise UsageError(f"'tag:{key}={value}' cannot be searched for: {error}") from error
    if found is not None:
        return found
    if gone is not None:
        raise UsageError(
            f"the baseline 'tag:{key}={value}' is run {gone.run_id[:8]}, which was deleted in MLflow; restore it there, or"
            " set another one with 'pipespec baseline set RUN'"
        )
    raise UsageError(f"no finished run has the tag '{key}' with the value '{value}' among the {subject}")


def marked_baseline(subject: Subject, ledger: Ledger, name: str = DEFAULT_NAME) -> RunFacts | None:
    """Return the run that `baseline set` marked last for a subject; None if there is none.

    Raises:
        UsageError: if it was deleted, and none was set since.
    """
    if _first(_with_value(ledger.marked(BASELINE), BASELINE, name), subject) is None and not _first(
        _with_value(ledger.marked(BASELINE, deleted=True), BASELINE, name), subject
    ):
        return None
    return _tagged(BASELINE, name, subject, ledger)


def set_baseline(
    ledger: Ledger, open_recorder: Callable[[], Recorder], name_of_run: str, name: str
) -> NewBaseline:
    """Make the run the baseline of its subject with this name.

    The store is opened for writing only if something must be written.

    Raises:
        UsageError: for a run that does not exist, has not finished, or was not recorded by pipespec.
        StoreUnavailableError: if the store cannot be read or written.
    """
    run = find_run(name_of_run, ledger)
    require_ours(run)
    if run.status != "FINISHED":
        raise UsageError(
            f"run {run.run_id[:8]} is {run.status.lower()}; only a run that finished can be a baseline"
        )
    subject = Subject.of(run)
    before = tuple(
        other.run_id
        for other in _with_value(ledger.marked(BASELINE), BASELINE, name)
        if Subject.of(other) == subject and other.run_id != run.run_id
    )
    with open_recorder() as recorder:
        recorder.mark(run.run_id, {BASELINE: name})
        for other in before:
            recorder.unmark(other, BASELINE)
    return NewBaseline(run.run_id, name, str(subject), before)


def _with_value(runs: Iterable[RunFacts], key: str, value: str) -> Iterable[RunFacts]:
    return (run for run in runs if run.tags.get(key) == value)


def _first(runs: Iterable[RunFacts], subject: Subject) -> RunFacts | None:
    return next((run for run in runs if run.status == "FINISHED" and Subject.of(run) == subject), None)
