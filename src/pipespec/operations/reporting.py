"""The report of one invocation: what a run did, and what surrounds it -> a page in one file.

Takes what the engine reports, the ledger and what was recorded of the invocation; gives HTML without any secret. Past
runs are asked for only of steps that changed or that have metrics, artifacts read as `previews` bounds it. A report that
cannot be made is one line for the user, never a failed run.
"""

from __future__ import annotations

import platform
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

from pipespec.document.nodes import JSON
from pipespec.document.passwords import without_passwords
from pipespec.errors import UsageError
from pipespec.operations.beginnings import last_lines
from pipespec.operations.compile import Compiled
from pipespec.operations.explaining import LOOKED_AT, nearest_runs
from pipespec.operations.picturing import portrait
from pipespec.operations.planning import Planning
from pipespec.operations.previews import Previews
from pipespec.operations.surroundings import PACKAGES, PATCH, new_invocation
from pipespec.operations.sweep import Sweep, points_of
from pipespec.plan.changes import PastRun, reason_of
from pipespec.plan.explain import nearest_run, now_of
from pipespec.plan.model import (
    Action,
    Decision,
    Plan,
    ReasonKind,
    RunReport,
    StepResult,
    StepState,
    StepStatus,
)
from pipespec.project.root import STATE_FOLDER
from pipespec.tracking import names
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.model import NewInvocation
from pipespec.tracking.records import RunFacts
from pipespec.tracking.store import shown
from pipespec.views.graph.portrait import to_json
from pipespec.views.mlflow_links import run_url
from pipespec.views.report.model import (
    Cause,
    Metric,
    OutputPart,
    PastValue,
    Report,
    StepPart,
    Surroundings,
    with_texts,
)
from pipespec.views.terminal import printable

__all__ = ["REPORT", "Reporting", "gather"]

REPORT: Final = "pipespec/report.html"
"""Its name among the files of the invocation's run."""

_PAST: Final = 20
"""So many runs of a step are plotted, the present one included."""
_WITH_METRICS: Final = 60
"""So many steps have their metrics told."""
_NOT_BEGUN: Final = (StepState.BLOCKED, StepState.CANCELLED)
_LOG_LINES: Final = 40
_CAUSES: Final = 8
_DIFF_LINES: Final = 120
_PATCH: Final = 20_000
"""Characters of a patch that are shown."""


@dataclass(slots=True)
class Reporting:
    """Makes the report of one invocation, and makes it once; `about` says what is recorded of the invocation."""

    source: Compiled | Sweep
    planning: Planning
    about: Callable[[], NewInvocation]
    file: Path | None = None
    """Where the user wants it as well."""
    _made: list[str | None] = field(default_factory=list)

    @classmethod
    def on(
        cls, source: Compiled | Sweep, planning: Planning, plan: Plan, command: str | None, file: Path | None
    ) -> Self:
        """Prepare to report on a run of a plan, before anything runs; without a command, Python's own is told.

        Raises:
            UsageError: for a place where no file can be written.
        """
        if file is not None:
            _require_place(file)
        typed = command or shlex.join(sys.argv)
        about = cache(partial(new_invocation, source, plan.pipeline, typed))
        return cls(source, planning, about, None if file is None else file.absolute())

    def page(self, run: RunReport) -> str | None:
        """Return the report as HTML, or None where it cannot be made."""
        if not self._made:
            self._made.append(self._page(run))
        return self._made[0]

    def write(self, run: RunReport) -> None:
        """Write the report where the user wants it, if anywhere."""
        if self.file is None or (page := self.page(run)) is None:
            return
        try:
            self.file.write_text(page, encoding="utf-8")
        except OSError as error:
            _complain(f"the report could not be written to '{self.file}': {error.strerror or error}")

    def _page(self, run: RunReport) -> str | None:
        from pipespec.views.report.page import to_html  # noqa: PLC0415 - jinja2, 60 ms, once steps have run

        try:
            return to_html(gather(run, self.source, self.planning, self.about()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the run went as it went
            _complain(f"no report was made: {type(error).__name__}: {error}")
            return None


def _require_place(file: Path) -> None:
    if file.is_dir():
        raise UsageError(f"the report cannot be written to '{file}', which is a folder; name a file in it")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"the report cannot be written to '{file}': there is no folder '{file.parent}'")


def _complain(problem: str) -> None:
    sys.stderr.write(f"{printable(problem)}\n")


def gather(run: RunReport, source: Compiled | Sweep, planning: Planning, about: NewInvocation) -> Report:
    """Gather what a report shows, without secrets.

    Raises:
        StoreUnavailableError: where past runs cannot be asked for.
    """
    assert run.plan is not None
    redact, ledger, whole = source.redactor(), planning.ledger, planning.source
    history = _History(run, run.plan, ledger)
    previews = Previews(run.plan.pipeline.root / STATE_FOLDER / "downloads", ledger.tracking_uri, redact)
    outputs = tuple(_outputs(run, previews))
    records = {result.step: result.record for result in run.steps}
    report = Report(
        pipeline=run.plan.pipeline.name,
        description=run.plan.pipeline.description or "",
        file=source.name,
        command=about.command,
        ended=time.time(),
        seconds=run.seconds,
        workers=run.workers,
        steps=tuple(
            _step(result, run.plan, history, partial(last_lines, redact=redact)) for result in run.steps
        ),
        surroundings=_surroundings(source, ledger, about),
        invocation=run.invocation,
        interrupted_by="" if run.interrupted_by is None else signal.Signals(run.interrupted_by).name,
        metrics=tuple(_metrics(run, run.plan, history)),
        outputs=outputs,
        points=tuple(points_of(whole, run, records)) if isinstance(whole, Sweep) else (),
        left_out=previews.left_out,
        graph=_graph(run, planning),
    )
    cleaned: Report = with_texts(report, lambda text: without_passwords(redact(text)))
    return cleaned


@dataclass(frozen=True)
class _History:
    """Past runs of the steps, each step's asked for once."""

    run: RunReport
    plan: Plan
    ledger: Ledger

    @cached_property
    def of(self) -> Callable[[str], tuple[RunFacts, ...]]:
        return cache(lambda step: self.ledger.finished_runs(step, LOOKED_AT))

    @cached_property
    def own(self) -> frozenset[str]:
        """The runs that this invocation made."""
        return frozenset(one.run_id for result in self.run.steps for one in result.executions)

    @cached_property
    def below_what_ran(self) -> frozenset[str]:
        """The steps that need one that ran, directly or not."""
        touched = {step for step, decision in self.plan.decisions.items() if decision.action is Action.RUN}
        below: set[str] = set()
        for step in self.plan.decisions:  # topological
            if any(above in touched or above in below for above in self.plan.pipeline.upstream[step]):
                below.add(step)
        return frozenset(below)

    @cached_property
    def nearest(self) -> Mapping[str, Sequence[PastRun]]:
        return nearest_runs(self.plan, self.ledger, self.of, without=self.own)


# ----------------------------------------------------------------------------------------------- steps


def _step(result: StepResult, plan: Plan, history: _History, end_of: Callable[[Path, int], str]) -> StepPart:
    decision = plan.decisions[result.step]
    has_failed = result.state is StepState.FAILED
    return StepPart(
        step=result.step,
        state=str(result.state),
        description=decision.step.description or "",
        call=str(decision.step.call),
        seconds=result.seconds,
        run_id=result.run_id,
        url=_url(result, history.ledger),
        causes=() if result.state in _NOT_BEGUN else tuple(_causes(decision, plan, history)),
        error=result.error or "",
        traceback=result.traceback,
        log=end_of(Path(result.log), _LOG_LINES) if has_failed and result.log is not None else "",
        log_file=result.log or "" if has_failed else "",
        executions=result.executions,
    )


def _url(result: StepResult, ledger: Ledger) -> str:
    record = result.record
    found = (
        None if record is None else run_url(shown(ledger.tracking_uri), record.experiment_id, record.run_id)
    )
    return found or ""


def _causes(decision: Decision, plan: Plan, history: _History) -> Iterator[Cause]:
    """Say why a step ran, or was reused although something before it ran."""
    step = decision.step.id
    if decision.action is Action.REUSE:
        if step in history.below_what_ran:
            yield Cause("what it reads came out the same")
        return
    changes = nearest_run(now_of(plan, decision), history.nearest.get(step, ()))[1]
    yield from (Cause(reason_of(change).detail, _cut(change.diff)) for change in changes[:_CAUSES])
    if len(changes) > _CAUSES:
        yield Cause(f"and {len(changes) - _CAUSES} more changes")
    for reason in decision.reasons:
        if not (changes and reason.kind is ReasonKind.CHANGED):
            yield Cause(reason.detail)


def _cut(diff: str) -> str:
    lines = diff.split("\n")
    more = [f"... {len(lines) - _DIFF_LINES:,} more lines"] if len(lines) > _DIFF_LINES else []
    return "\n".join([*lines[:_DIFF_LINES], *more])


# ------------------------------------------------------------------------------------ metrics, outputs


def _metrics(run: RunReport, plan: Plan, history: _History) -> Iterator[Metric]:
    """Tell the metrics of complete steps, the last steps first; past runs of a step that never ran are not asked for."""
    told = 0
    for result in reversed(run.steps):
        record, decision = result.record, plan.decisions[result.step]
        if record is None or told >= _WITH_METRICS:
            continue
        is_new = any(reason.kind is ReasonKind.NEVER_RAN for reason in decision.reasons)
        has_run = result.run_id in history.own
        past = () if is_new or not (has_run or _shown(record.metrics)) else history.of(decision.step.name)
        own = next((facts.metrics for facts in past if facts.run_id == record.run_id), {})
        found = _shown({**own, **record.metrics})
        told += bool(found)
        same = [facts for facts in past if facts.tags.get(names.STEP) == result.step]
        before = [
            facts for facts in same if (facts.ended or 0.0) <= record.ended and facts.run_id != record.run_id
        ]
        for name, value in sorted(found.items()):
            bounds = decision.step.checks.get(name)
            yield Metric(
                result.step,
                name,
                value,
                tuple(_past_values(before[: _PAST - 1], name)),
                None if bounds is None else bounds.minimum,
                None if bounds is None else bounds.maximum,
            )


def _past_values(newest_first: Sequence[RunFacts], name: str) -> Iterator[PastValue]:
    for facts in reversed(newest_first):
        if name in facts.metrics:
            yield PastValue(facts.metrics[name], facts.ended or 0.0, facts.run_id)


def _shown(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return a user's own metrics."""
    return {name: value for name, value in metrics.items() if not name.startswith((names.PREFIX, "system/"))}


def _outputs(run: RunReport, previews: Previews) -> Iterator[OutputPart]:
    """Tell of all outputs: first those of steps that ran, in each the last steps first."""
    for executed in (True, False):
        for result in reversed(run.steps):
            if result.record is not None and bool(result.executions) is executed:
                for name, output in result.record.outputs.items():
                    yield previews.of(result.record, str(result.state), name, output)


# ------------------------------------------------------------------------------- graph, surroundings


def _graph(run: RunReport, planning: Planning) -> JSON:
    """Tell of all steps of the pipeline; those that were not asked for have no state."""
    statuses = {result.step: _status(result) for result in run.steps}
    drawn = replace(
        portrait(planning.source), statuses=statuses, tracking_uri=shown(planning.ledger.tracking_uri)
    )
    return to_json(drawn)


def _status(result: StepResult) -> StepStatus:
    record = result.record
    if record is None:
        seconds = result.seconds
        started = None if seconds is None else 0.0
        return StepStatus(result.step, str(result.state), result.run_id, started, seconds)
    times = (record.started, record.ended)
    return StepStatus(
        result.step, str(result.state), record.run_id, *times, record.metrics, record.experiment_id
    )


def _surroundings(source: Compiled | Sweep, ledger: Ledger, about: NewInvocation) -> Surroundings:
    patch = about.files.get(PATCH, "")
    commit = about.git_commit or "none"
    facts = {
        "pipespec": version("pipespec"),
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "tracking store": shown(ledger.tracking_uri),
        "git commit": f"{commit}, with changes that are not committed" if patch else commit,
    }
    return Surroundings(
        facts,
        tuple(_layers(source)),
        tuple(about.files.get(PACKAGES, "").split()),
        patch if len(patch) <= _PATCH else f"{patch[:_PATCH]}\n... {len(patch) - _PATCH:,} more characters",
    )


def _layers(source: Compiled | Sweep) -> Iterable[str]:
    """Name the files and options that the pipeline was laid together of, the lowest first."""
    first = source.first if isinstance(source, Sweep) else source
    sweeps = (
        [f"--sweep {one.path}={','.join(one.texts)}" for one in source.paths]
        if isinstance(source, Sweep)
        else []
    )
    swept = {f"--set {one.path}" for one in source.paths} if isinstance(source, Sweep) else set()
    return (*(name for name in first.sources if name.partition("=")[0] not in swept), *sweeps)
