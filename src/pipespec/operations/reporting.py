"""The report of one invocation: what a run did, and what surrounds it -> a page in one file.

Takes what the engine reports, the ledger and what was recorded of the invocation; gives HTML without any secret. What
it says of steps is found by `step_parts`, of outputs by `previews`. A report that cannot be made is one line for the
user, never a failed run.
"""

from __future__ import annotations

import contextlib
import platform
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

from pipespec.document.nodes import JSON
from pipespec.document.passwords import without_passwords
from pipespec.errors import UsageError
from pipespec.operations.compile import Compiled
from pipespec.operations.picturing import portrait
from pipespec.operations.planning import Planning
from pipespec.operations.previews import Previews
from pipespec.operations.step_parts import History, metrics_of, seconds_of, step_part
from pipespec.operations.surroundings import PACKAGES, PATCH, new_invocation
from pipespec.operations.sweep import Sweep, points_of
from pipespec.plan.model import (
    Plan,
    RunReport,
    StepResult,
    StepStatus,
)
from pipespec.project.root import STATE_FOLDER
from pipespec.spec.model import PipelineSpec
from pipespec.tracking.ledger import Ledger
from pipespec.tracking.model import NewInvocation
from pipespec.tracking.store import shown
from pipespec.views.document import to_yaml
from pipespec.views.graph.portrait import to_json
from pipespec.views.relocation import presentable
from pipespec.views.report.model import (
    OutputPart,
    Report,
    Surroundings,
    with_texts,
)
from pipespec.views.terminal import printable

__all__ = ["REPORT", "Reporting", "gather"]

REPORT: Final = "pipespec/report.html"
"""Its name among the files of the invocation's run."""

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
        about = cache(partial(_invocation, source, plan.pipeline, typed))
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
            _complain(self.source.redactor()(f"no report was made: {type(error).__name__}: {error}"))
            return None


def _require_place(file: Path) -> None:
    if file.is_dir():
        raise UsageError(f"the report cannot be written to '{file}', which is a folder; name a file in it")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"the report cannot be written to '{file}': there is no folder '{file.parent}'")


def _complain(problem: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody listens any more
        sys.stderr.write(f"{printable(problem)}\n")


def _invocation(compiled: Compiled | Sweep, spec: PipelineSpec, command: str) -> NewInvocation:
    """Say what makes the run repeatable. Secrets stand in none of it: the document holds only their names."""
    first = compiled.first if isinstance(compiled, Sweep) else compiled
    files = {"pipespec/pipeline.yaml": to_yaml(presentable(spec.document, first.place.folders))}
    tags: dict[str, str] = {}
    if isinstance(compiled, Sweep):
        files |= compiled.files
        tags = {name: without_passwords(values) for name, values in compiled.tags.items()}
    return new_invocation(spec, command=command, source=compiled.name, files=files, tags=tags)


def gather(run: RunReport, source: Compiled | Sweep, planning: Planning, about: NewInvocation) -> Report:
    """Gather what a report shows, without secrets.

    Raises:
        StoreUnavailableError: where past runs cannot be asked for.
    """
    assert run.plan is not None
    redact, ledger, whole = source.redactor(), planning.ledger, planning.source
    history = History(run, run.plan, ledger)
    previews = Previews(run.plan.pipeline.root / STATE_FOLDER / "downloads", ledger.tracking_uri, redact)
    outputs = tuple(_outputs(run, previews))
    records = {result.step: result.record for result in run.steps}
    report = Report(
        pipeline=run.plan.pipeline.name,
        description=run.plan.pipeline.description or "",
        command=about.command,
        ended=time.time(),
        seconds=run.seconds,
        workers=run.workers,
        steps=tuple(step_part(result, history, redact) for result in run.steps),
        surroundings=_surroundings(source, ledger, about),
        invocation=run.invocation,
        interrupted_by="" if run.interrupted_by is None else signal.Signals(run.interrupted_by).name,
        metrics=tuple(metrics_of(history)),
        outputs=outputs,
        points=tuple(points_of(whole, run, records)) if isinstance(whole, Sweep) else (),
        left_out=previews.left_out,
        graph=_graph(run, planning),
    )
    cleaned: Report = with_texts(report, lambda text: without_passwords(redact(text)))
    return cleaned


def _outputs(run: RunReport, previews: Previews) -> Iterator[OutputPart]:
    """Tell of all outputs: first those of steps that ran, in each the last steps first."""
    for executed in (True, False):
        for result in reversed(run.steps):
            if result.record is not None and bool(result.executions) is executed:
                for name, output in result.record.outputs.items():
                    yield previews.of(result, result.record, name, output)


def _graph(run: RunReport, planning: Planning) -> JSON:
    """Tell of all steps of the pipeline; those that were not asked for have no state."""
    statuses = {result.step: _status(result) for result in run.steps}
    drawn = replace(
        portrait(planning.source), statuses=statuses, tracking_uri=shown(planning.ledger.tracking_uri)
    )
    return to_json(drawn)


def _status(result: StepResult) -> StepStatus:
    record, seconds = result.record, seconds_of(result)
    return StepStatus(
        result.step,
        str(result.state),
        result.run_id,
        started=None if seconds is None else 0.0,
        ended=seconds,
        metrics={} if record is None else record.metrics,
        experiment_id="" if record is None else record.experiment_id,
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
