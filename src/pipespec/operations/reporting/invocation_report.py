"""Create the report of one invocation, from what a run did and its environment: a page in one file.

Takes what the engine reports, the ledger and what was recorded of the invocation. Returns HTML without any secret.
`report_steps` collects what it says about steps, `output_previews` what it says about outputs. If a report cannot be
created, the user sees one line, and the run does not fail.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

from pipespec.activity import busy
from pipespec.document.nodes import JSON, plain
from pipespec.document.password_masking import without_passwords, without_receivers
from pipespec.errors import UsageError
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.planning.plan_waves import Planning
from pipespec.operations.reporting.graph_portrait import portrait
from pipespec.operations.reporting.invocation_label import label_of, pipeline_params, swept_by
from pipespec.operations.reporting.output_previews import Previews
from pipespec.operations.reporting.report_steps import StepHistory, metrics_of, step_part
from pipespec.operations.reporting.run_environment import PipelineOrigin, new_invocation
from pipespec.operations.reporting.sweep_points import ended_points, steps_told
from pipespec.plan.results import RunReport, StepResult, StepStatus
from pipespec.spec.pipeline_spec import InputSource
from pipespec.state_folder import StateFolder
from pipespec.step.secrets import secret_names
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_names import PACKAGES_FILE, PATCH_FILE
from pipespec.tracking.started_run import NewInvocation
from pipespec.tracking.tracking_uri import shown
from pipespec.views.document_view import origins
from pipespec.views.graph.portrait import to_json
from pipespec.views.report.report_parts import OutputPart, Report, RunEnvironment, with_texts
from pipespec.views.terminal_text import printable

__all__ = ["REPORT", "Reporting", "gather"]

REPORT: Final = "pipespec/report.html"
"""Its name among the files of the invocation's run."""

_PATCH: Final = 20_000
"""Maximum number of characters of a patch that are shown."""


@dataclass(slots=True)
class Reporting:
    """Creates the report of one invocation, only once. `about` says what is recorded of the invocation."""

    planning: Planning
    about: Callable[[], NewInvocation]
    file: Path | None = None
    """The additional place that the user requested."""
    _made: list[str | None] = field(default_factory=list)

    @classmethod
    def on(cls, planning: Planning, command: str | None, file: Path | None) -> Self:
        """Prepare to report on a run of what was planned, before anything runs. Without a command, that of Python is shown.

        Raises:
            UsageError: for a place where no file can be written.
        """
        if file is not None:
            _require_place(file)
            import jinja2  # noqa: F401, PLC0415 - if it is missing, this is reported before anything runs
        typed = command or shlex.join(sys.argv)
        about = cache(partial(_invocation, planning.source, typed))
        return cls(planning, about, None if file is None else file.absolute())

    def page(self, run: RunReport) -> str | None:
        """Return the report as HTML, or None if it cannot be created."""
        if not self._made:
            self._made.append(self._page(run))
        return self._made[0]

    def write(self, run: RunReport) -> None:
        """Write the report to the place that the user requested, if any."""
        if self.file is None or (page := self.page(run)) is None:
            return
        try:
            self.file.write_text(page, encoding="utf-8")
        except OSError as error:
            _complain(f"the report could not be written to '{self.file}': {error.strerror or error}")

    def _page(self, run: RunReport) -> str | None:
        try:
            from pipespec.views.report.report_page import to_html  # noqa: PLC0415 - jinja2, 60 ms, once steps have run

            with busy("making the report"):
                return to_html(gather(run, self.planning, self.about()))
        except Exception as error:  # noqa: BLE001 - whatever it is, it does not change how the run ended
            _complain(
                self.planning.source.redactor()(
                    f"the report could not be made: {type(error).__name__}: {error}"
                )
            )
            return None


def _require_place(file: Path) -> None:
    if file.is_dir():
        raise UsageError(
            f"the report cannot be written to '{file}', which is a folder; give the path of a file"
        )
    if not file.absolute().parent.is_dir():
        raise UsageError(f"the report cannot be written to '{file}': there is no folder '{file.parent}'")


def _complain(problem: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # the reader of the output has ended
        sys.stderr.write(f"{printable(problem)}\n")


def _invocation(source: PipelineSource, command: str) -> NewInvocation:
    """Describe what makes the run repeatable. It contains no secrets: the document contains only their names."""
    return new_invocation(
        source.pipeline,
        command=command,
        source=source.name,
        files=source.files(),
        tags=source.tags,
        params=pipeline_params(source),
        label=label_of(source),
        swept=swept_by(source),
        origin=PipelineOrigin(
            layers=source.layers,
            values=origins(source.document),
            counted=source.contents_read(),
            secrets=secret_names(plain(source.document)),
            clean=source.redactor().clean,
            is_sweep=bool(source.tags),
        ),
    )


def gather(run: RunReport, planning: Planning, about: NewInvocation) -> Report:
    """Collect what a report shows, without secrets.

    Raises:
        StoreUnavailableError: if past runs cannot be read.
    """
    assert run.plan is not None
    source, ledger = planning.source, planning.ledger
    redact = source.redactor()
    history = StepHistory(run, run.plan, ledger)
    previews = Previews(StateFolder.of(run.plan.pipeline.root).downloads, ledger.tracking_uri, redact)
    outputs = tuple(_outputs(run, previews))
    told = steps_told(source)
    report = Report(
        pipeline=run.plan.pipeline.name,
        description=run.plan.pipeline.description or "",
        command=about.command,
        ended=time.time(),
        seconds=run.seconds,
        workers=run.workers,
        steps=tuple(step_part(result, history, redact) for result in run.steps),
        environment=_environment(source, ledger, about),
        invocation=run.invocation,
        interrupted_by="" if run.interrupted_by is None else signal.Signals(run.interrupted_by).name,
        metrics=tuple(one for one in metrics_of(history) if one.step not in told or one.is_bounded),
        outputs=outputs,
        points=ended_points(source, run),
        left_out=previews.left_out,
        graph=_graph(run, planning),
    )
    cleaned: Report = with_texts(report, lambda text: without_passwords(redact(text)))
    return cleaned


def _outputs(run: RunReport, previews: Previews) -> Iterator[OutputPart]:
    """Yield all outputs: first those of steps that ran, in each group the last steps first."""
    for executed in (True, False):
        for result in reversed(run.steps):
            if result.record is not None and bool(result.executions) is executed:
                for name in result.record.outputs:
                    yield previews.of(result, result.record, name)


def _graph(run: RunReport, planning: Planning) -> JSON:
    """Return all steps of the pipeline. Steps that were not selected have no state."""
    statuses = {result.step: _status(result) for result in run.steps}
    results = {} if run.plan is None else run.plan.facts.results
    used: dict[InputSource, str] = {source: found.used for source, found in results.items()}
    drawn = replace(
        portrait(planning.source),
        statuses=statuses,
        tracking_uri=shown(planning.ledger.tracking_uri),
        used=used,
    )
    return to_json(drawn)


def _status(result: StepResult) -> StepStatus:
    record, seconds = result.record, result.seconds
    return StepStatus(
        result.step,
        str(result.state),
        result.run_id,
        started=None if seconds is None else 0.0,
        ended=seconds,
        metrics={} if record is None else record.metrics,
        experiment_id="" if record is None else record.experiment_id,
    )


def _text(about: NewInvocation, file: str) -> str:
    content = about.files.get(file, "")
    return content if isinstance(content, str) else content.decode("utf-8", "replace")


def _environment(source: PipelineSource, ledger: Ledger, about: NewInvocation) -> RunEnvironment:
    patch = _text(about, PATCH_FILE)
    commit = about.git_commit or "none"
    system = os.uname()  # `platform.platform` starts a program
    facts = {
        "pipespec": version("pipespec"),
        "Python": platform.python_version(),
        "platform": f"{system.sysname} {system.release} {system.machine}",
        "host": socket.gethostname(),
        "tracking store": shown(ledger.tracking_uri),
        "git commit": f"{commit}, with uncommitted changes" if patch else commit,
    }
    return RunEnvironment(
        facts,
        tuple(map(without_receivers, source.layers)),
        tuple(_text(about, PACKAGES_FILE).splitlines()),
        patch if len(patch) <= _PATCH else f"{patch[:_PATCH]}\n... {len(patch) - _PATCH:,} more characters",
    )
