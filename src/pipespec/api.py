"""The stages composed: what notebooks and the command line call.

    load(file)         a file -> document -> spec, checked: a `Pipeline`
    Pipeline.plan()    spec + facts + records -> `Plan`
    Pipeline.run()     plan -> engine -> `RunReport`

Everything that the stages must not ask for themselves enters here and in `compile`, `facts` and `project`:
files, environment, git, clock, servers. Each method imports what it needs: `validate` neither plans nor tracks, and
a plan needs no engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.operations.compile import Compiled, compile_file, read_signatures
from pipespec.operations.validation import Findings, validate_all
from pipespec.spec.model import PipelineSpec, StepSpec

if TYPE_CHECKING:
    from pipespec.engine.progress import Progress
    from pipespec.operations.session import Session
    from pipespec.operations.sweep import Sweep
    from pipespec.plan.acceptance import Acceptances, Revocation
    from pipespec.plan.diff import Difference
    from pipespec.plan.explain import Explanation
    from pipespec.plan.model import Plan, RunReport, StepStatus
    from pipespec.views.graph.portrait import Portrait
    from pipespec.views.sweep import SweepPoint

__all__ = ["Findings", "Pipeline", "StepHandle", "diff", "init", "load", "render", "schema", "validate"]


def validate(
    files: Sequence[str],
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    import_timeout: float | None = None,
) -> Findings:
    """Find all mistakes and advice of some files, and of the pipelines below some folders, in their order.

    Imports and runs nothing of the project, reads no environment variable and opens no connection; unless there is an
    `import_timeout`: then what the pipelines call is imported, in a process of its own, each within so many seconds.

    Raises:
        UsageError: where there is no pipeline below the folders.
    """
    return validate_all(files, overlays=overlays, overrides=overrides, import_timeout=import_timeout)


def load(
    file: str | Path,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    sweeps: Sequence[str] = (),
    trusted: bool = True,
) -> Pipeline:
    """Load a pipeline, with overlays (files) and overrides (`params.model.epochs=1`) laid over it in order.

    `sweeps` (`params.model.depth=4,8`, `params.seed=range(1,5)`) make it the pipeline of all their points, in which what
    points share stands once.

    Without `trusted` its references to the environment stay as written, as for a stranger's file.

    Raises:
        InvalidPipelineError: with all its mistakes.
    """
    if sweeps:
        from pipespec.operations.sweep import compile_sweep, read_sweeps

        sweep = compile_sweep(file, read_sweeps(sweeps), overlays=overlays, overrides=overrides)
        return Pipeline(sweep.pipeline, sweep.first, sweep)
    compiled = compile_file(file, overlays=overlays, overrides=overrides, trusted=trusted)
    return Pipeline(compiled.checked(), compiled)


def diff(
    old: str,
    new: str | None = None,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    records: bool = False,
) -> Difference:
    """Compare two pipelines, each a file, `FILE@REVISION` or `run:ID`; overlays and overrides go over the second.

    Without a second, a file is compared with the last commit, and a run with its file. `records` adds what the
    store says of the second, which has to be a file then: what is there already, and how long the rest may take.

    Raises:
        UsageError: for a revision, run or file that is not there.
        InvalidPipelineError: for a file with mistakes.
        StoreUnavailableError: where the store is asked and cannot be.
    """
    from pipespec.operations.comparing import compare
    from pipespec.plan.schedule import forecast

    second: list[Compiled] = []
    found = compare(old, new, overlays=overlays, overrides=overrides, trusted=records, keep=second.append)
    if not records:
        return found
    if not second:
        raise UsageError(f"records are asked for what a file would do, and '{found.new.label}' is none")
    planned = Pipeline(found.new.spec, second[0]).plan()
    actions = {step: decision.action for step, decision in planned.decisions.items()}
    return replace(found, actions=actions, expected=forecast(planned, planned.pipeline.engine.workers or 1))


def schema(
    file: str | Path | None = None, *, overlays: Sequence[str] = (), overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the JSON schema of pipeline files, or the one made for a file, with the names that are known there.

    The file may have mistakes. Nothing of the project is imported.

    Raises:
        InvalidPipelineError: where the file cannot be read, or has no steps.
    """
    from pipespec.spec.schema import load_schema

    if file is None:
        return dict(load_schema())
    from pipespec.spec.project_schema import project_schema

    compiled = compile_file(file, overlays=overlays, overrides=overrides, trusted=False)
    if compiled.spec is None:
        raise InvalidPipelineError(compiled.diagnostics, compiled.sources)
    return project_schema(load_schema(), compiled.spec, read_signatures(compiled.spec, compiled.modules))


def render(
    file: str | Path,
    *,
    format_: str = "luigi",
    module: str | None = None,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> str:
    """Return a pipeline as a Luigi module that stands alone (`luigi`), or its resolved document (`yaml`).

    `module` is the name that the module will bear. Imports and runs nothing of the project, and reads no environment
    variable: the module reads them where it runs.

    Raises:
        InvalidPipelineError: with all mistakes, or with all that such a module cannot be.
    """
    from pipespec.operations.rendering import luigi_module, resolved_yaml

    if format_ == "yaml":
        return resolved_yaml(str(file), overlays=overlays, overrides=overrides)
    return luigi_module(str(file), overlays=overlays, overrides=overrides, module=module)


def init(folder: Path) -> list[str]:
    """Make a small project that runs, and return the files written; a file that is there is never touched.

    Raises:
        UsageError: where one of the files is there already; then nothing is written.
    """
    from pipespec.operations.scaffold import write_project

    return write_project(folder)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline without mistakes, ready to be planned and run."""

    spec: PipelineSpec
    compiled: Compiled
    sweep: Sweep | None = None
    """What the pipeline is made of where it is that of several points; `compiled` is then the first of them."""

    def plan(self, *targets: str, force: Sequence[str] = (), verify: bool = False) -> Plan:
        """Decide what runs and what is reused, of these steps and all that they need; write nothing.

        A target is a name, a variant (`train[depth=4]`), a glob or `tag:name`. With `verify` the content of what
        is recorded is compared with its digests, too.

        Raises:
            UsageError: for a target that is not there, an input that is gone, a probe that fails.
            StoreUnavailableError: where the records cannot be asked.
        """
        from pipespec.operations.explaining import with_history

        with self._open() as session:
            return with_history(session.planning(targets, force=force, verify=verify).plan(), session.ledger)

    def explain(self, step: str) -> Explanation:
        """Say why one step would run, compared with its nearest past run, or which run it reuses; write nothing.

        Raises:
            UsageError: as for `plan`.
            StoreUnavailableError: where the records cannot be asked.
        """
        from pipespec.operations.explaining import explain_step, with_history

        with self._open() as session:
            chosen = session.step(step).id
            return explain_step(with_history(session.plan(chosen), session.ledger), chosen, session.ledger)

    def run(
        self,
        *targets: str,
        workers: int | None = None,
        force: Sequence[str] = (),
        keep_going: bool = False,
        verify: bool = False,
        debug: bool = False,
        scheduler: str | None = None,
        progress: Progress | None = None,
        planned: Callable[[Plan], None] | None = None,
        command: str | None = None,
        report: str | Path | None = None,
    ) -> RunReport:
        """Run what is not complete, `workers` steps at a time; where nothing is to do, write nothing.

        After a failure what runs finishes and nothing new starts, or, with `keep_going`, all goes on that does
        not depend on it. `debug` executes the first step that runs in this process, under the debugger when it
        raises. `scheduler` is the address of a luigid. `planned` is shown the plan before anything runs, with the seconds of
        past runs. `command` is what is recorded as the command line. `report` is a file that gets the page which the
        invocation's run has; it is written where nothing is to do, too.

        Raises:
            UsageError: as for `plan`, and for a report's place where no file can be.
            StoreUnavailableError: where the store or the scheduler cannot be asked; nothing is lost by that.
        """
        began = time.monotonic()
        with self._open() as session:
            planning = session.planning(targets, force=force, verify=verify)
            plan = planning.plan()
            if plan.is_complete and report is None:
                return _report_of_reuse(plan, time.monotonic() - began)
            from pipespec.operations.reporting import Reporting

            reporting = Reporting.on(
                session.source, planning, plan, command, None if report is None else Path(report)
            )
            if plan.is_complete:
                reused = _report_of_reuse(plan, time.monotonic() - began)
                reporting.write(reused)
                return reused
            if planned is not None:
                from pipespec.operations.explaining import with_past_seconds

                planned(with_past_seconds(plan, session.ledger))
            from pipespec.operations.invoke import invoke
            from pipespec.project.planned import PlannedInputs

            return invoke(
                session.source,
                plan,
                session.ledger,
                workers=workers,
                keep_going=keep_going,
                debug=debug,
                scheduler=scheduler,
                progress=progress,
                reporting=reporting,
                external=PlannedInputs(self.spec.root, planning.files, planning.results),
                next_wave=planning.next_wave,
            )

    def points(self, report: RunReport) -> list[SweepPoint]:
        """Tell of each point of a sweep how it ended, and the metrics of its last steps; nothing without a sweep."""
        from pipespec.operations.sweep import Sweep, points_of

        with self._open() as session:
            planning = session.planning()
            plan = planning.plan()
        if not isinstance(planning.source, Sweep):
            return []
        records = {step: decision.record for step, decision in plan.decisions.items()}
        return points_of(planning.source, report, records)

    def status(self, *targets: str) -> list[StepStatus]:
        """Tell the state of each step, in topological order."""
        from pipespec.operations.standing import states

        with self._open() as session:
            return states(session.plan(*targets), session.ledger)

    def portrait(self, *, status: bool = False) -> Portrait:
        """Tell what a picture shows: the steps, where their functions stand and, with `status`, how they stand.

        Raises:
            StoreUnavailableError: where the store is asked and cannot be.
        """
        from pipespec.operations.picturing import portrait, portrait_with_states

        if not status:
            return portrait(self.compiled)
        with self._open() as session:
            return portrait_with_states(self.compiled, session)

    def accept(
        self, *steps: str, why: str, confirm: Callable[[Acceptances], bool] = lambda _: True
    ) -> Acceptances:
        """Let the nearest past runs of steps count for what they are now, though code or packages changed.

        Who says so and why is recorded on those runs; their results are not edited. `confirm` is shown what is about
        to be recorded, and may refuse. Steps are named as for `plan`.

        Raises:
            UsageError: where a step is complete, waits, never finished or differs in more; nothing is recorded then.
            StoreUnavailableError: where the store cannot be asked, or not be written.
        """
        from pipespec.operations import accepting

        with self._open() as session:
            return accepting.accept(session, steps, why=why, confirm=confirm)

    def revoke(self, *steps: str, why: str = "") -> tuple[Revocation, ...]:
        """Take back what was accepted for steps as they are now; the runs keep that it was, and who took it back.

        Raises:
            UsageError: where nothing was accepted for a step.
            StoreUnavailableError: where the store cannot be asked, or not be written.
        """
        from pipespec.operations import accepting

        with self._open() as session:
            return accepting.revoke(session, steps, why=why)

    def logs(self, step: str, *, follow: bool = False) -> Iterator[str]:
        """Yield the log of a step's last attempt in pieces; with `follow`, what is added while it runs.

        Raises:
            UsageError: where there is no such step, or it was never tried.
        """
        from pipespec.operations.retrieval import read_log

        with self._open() as session:
            yield from read_log(self.spec, session.step(step), session.ledger, follow=follow)

    def get(self, output: str, to: Path | None = None) -> Path:
        """Copy `step.output` of its complete run to a path, and return it; its content is checked.

        Raises:
            UsageError: where there is no such output, or its step is not complete.
        """
        from pipespec.operations.retrieval import fetch_output

        with self._open() as session:
            step, name = session.output(output)
            return fetch_output(self.spec, session.record(step), name, to, session.ledger.tracking_uri)

    def read_bytes(self, output: str) -> bytes:
        """Return the content of `step.output`, a single file; raises as `get`."""
        from pipespec.operations.retrieval import read_output

        with self._open() as session:
            step, name = session.output(output)
            return read_output(self.spec, session.record(step), name, session.ledger.tracking_uri)

    def path(self, output: str) -> Path:
        """Return a local path of `step.output`, its content checked. It is not yours to change. Raises as `get`."""
        from pipespec.operations.retrieval import local_output

        with self._open() as session:
            step, name = session.output(output)
            return local_output(self.spec, session.record(step), name, session.ledger.tracking_uri)

    def __getitem__(self, step: str) -> StepHandle:
        with self._open() as session:
            return StepHandle(self, session.step(step))

    def _open(self) -> Session:
        from pipespec.operations.session import open_session

        return open_session(self.sweep or self.compiled)


@dataclass(frozen=True, slots=True)
class StepHandle:
    """One step of a pipeline, for notebooks: `pipeline["titles"].load("titles")`."""

    pipeline: Pipeline
    step: StepSpec

    def path(self, output: str) -> Path:
        """Return a local path of an output of the complete run, its content checked. It is not yours to change."""
        return self.pipeline.path(f"{self.step.id}.{output}")

    def load(self, output: str, as_type: type | None = None) -> Any:
        """Load an output as its suffix says, or as `as_type` (`pandas.DataFrame`, `dict`, `Path`, ...)."""
        from pipespec.operations.retrieval import load_path

        return load_path(self.path(output), as_type)


def _report_of_reuse(plan: Plan, seconds: float) -> RunReport:
    from pipespec.plan.model import RunReport, StepResult, StepState

    results = []
    for step, decision in plan.decisions.items():
        assert decision.key is not None
        assert decision.record is not None
        record = decision.record
        results.append(StepResult(step, StepState.REUSED, decision.key.hex, record.run_id, record=record))
    return RunReport(None, tuple(results), seconds, plan=plan)
