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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipespec.compile import Compiled, compile_file, read_signatures
from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.project.root import STATE_FOLDER
from pipespec.spec.model import PipelineSpec, StepSpec
from pipespec.validation import Findings, validate_all

if TYPE_CHECKING:
    from pipespec.engine.progress import Progress
    from pipespec.plan.diff import Difference
    from pipespec.plan.explain import Explanation
    from pipespec.plan.model import (
        Attempt,
        Decision,
        Plan,
        Records,
        RunReport,
        StepRecord,
        StepStatus,
    )
    from pipespec.planning import Planning
    from pipespec.sweep import Sweep
    from pipespec.tracking.ledger import Ledger
    from pipespec.views.sweep import SweepPoint

__all__ = ["Findings", "Pipeline", "StepHandle", "diff", "init", "load", "schema", "validate"]


def validate(
    files: Sequence[str], *, overlays: Sequence[str] = (), overrides: Sequence[str] = ()
) -> Findings:
    """Find all mistakes and advice of some files, and of the pipelines below some folders, in their order.

    Imports and runs nothing of the project, reads no environment variable and opens no connection.

    Raises:
        UsageError: where there is no pipeline below the folders.
    """
    return validate_all(files, overlays=overlays, overrides=overrides)


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
        from pipespec.sweep import compile_sweep, read_sweeps

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
    store says of the second, which has to be a file then.

    Raises:
        UsageError: for a revision, run or file that is not there.
        InvalidPipelineError: for a file with mistakes.
        StoreUnavailableError: where the store is asked and cannot be.
    """
    from pipespec.comparing import compare

    found = compare(old, new, overlays=overlays, overrides=overrides, trusted=records)
    if not records:
        return found
    if not Path(found.new.label).is_file():
        raise UsageError(f"records are asked for what a file would do, and '{found.new.label}' is none")
    planned = load(found.new.label, overlays=overlays, overrides=overrides).plan()
    actions = {step: decision.action for step, decision in planned.decisions.items()}
    return replace(found, actions=actions)


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


def init(folder: Path) -> list[str]:
    """Make a small project that runs, and return the files written; a file that is there is never touched.

    Raises:
        UsageError: where one of the files is there already; then nothing is written.
    """
    from pipespec.scaffold import write_project

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
        from pipespec.explaining import with_history

        with self._ledger() as ledger:
            return with_history(self._plan(ledger, targets, force=force, verify=verify), ledger)

    def explain(self, step: str) -> Explanation:
        """Say why one step would run, compared with its nearest past run, or which run it reuses; write nothing.

        Raises:
            UsageError: as for `plan`.
            StoreUnavailableError: where the records cannot be asked.
        """
        from pipespec.explaining import explain_step, with_history

        with self._ledger() as ledger:
            chosen = self._one(ledger, step).id
            return explain_step(with_history(self._plan(ledger, (chosen,)), ledger), chosen, ledger)

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
        command: str | None = None,
    ) -> RunReport:
        """Run what is not complete, `workers` steps at a time; where nothing is to do, write nothing.

        After a failure what runs finishes and nothing new starts, or, with `keep_going`, all goes on that does
        not depend on it. `debug` executes the first step that runs in this process, under the debugger when it
        raises. `scheduler` is the address of a luigid. `command` is what is recorded as the command line.

        Raises:
            UsageError: as for `plan`.
            StoreUnavailableError: where the store or the scheduler cannot be asked; nothing is lost by that.
        """
        began = time.monotonic()
        with self._ledger() as ledger:
            planning = self._planning(ledger, targets, force=force, verify=verify)
            plan = planning.plan()
            if plan.is_complete:
                return _report_of_reuse(plan, time.monotonic() - began)
            from pipespec.invoke import invoke
            from pipespec.project.planned import PlannedInputs

            return invoke(
                self.sweep or self.compiled,
                plan,
                ledger,
                workers=workers,
                keep_going=keep_going,
                debug=debug,
                scheduler=scheduler,
                progress=progress,
                command=command,
                external=PlannedInputs(self.spec.root, planning.files, planning.results),
                next_wave=planning.next_wave,
            )

    def points(self, report: RunReport) -> list[SweepPoint]:
        """Tell of each point of a sweep how it ended, and the metrics of its last steps; nothing without a sweep."""
        from pipespec.sweep import Sweep
        from pipespec.views.sweep import SweepPoint

        with self._ledger() as ledger:
            planning = self._planning(ledger, (), force=(), verify=False)
            plan = planning.plan()
        if not isinstance(planning.source, Sweep):
            return []
        states = {result.step: str(result.state) for result in report.steps}
        found = {step: decision.record for step, decision in plan.decisions.items()}
        metrics = {step: record.metrics for step, record in found.items() if record is not None}
        return [
            SweepPoint(one.at, one.worst(states), one.metrics(metrics)) for one in planning.source.outcomes()
        ]

    def status(self, *targets: str) -> list[StepStatus]:
        """Tell the state of each step, in topological order."""
        with self._ledger() as ledger:
            plan = self._plan(ledger, targets)
            attempts = ledger.attempts(tuple(plan.decisions), self.spec.name)
            finished = ledger.finished_before(
                {decision.step.name for decision in plan.decisions.values() if decision.record is None}
            )
        return [
            _status(decision, attempts.get(step), finished=decision.step.name in finished)
            for step, decision in plan.decisions.items()
        ]

    def logs(self, step: str, *, follow: bool = False) -> Iterator[str]:
        """Yield the log of a step's last attempt in pieces; with `follow`, what is added while it runs.

        Raises:
            UsageError: where there is no such step, or it was never tried.
        """
        from pipespec.retrieval import read_log

        with self._ledger() as ledger:
            yield from read_log(self.spec, self._one(ledger, step), ledger, follow=follow)

    def get(self, output: str, to: Path | None = None) -> Path:
        """Copy `step.output` of its complete run to a path, and return it; its content is checked.

        Raises:
            UsageError: where there is no such output, or its step is not complete.
        """
        from pipespec.retrieval import fetch_output

        with self._ledger() as ledger:
            step, name = self._output(ledger, output)
            record = self._record(ledger, step)
            return fetch_output(self.spec, record, name, to, ledger.tracking_uri)

    def read_bytes(self, output: str) -> bytes:
        """Return the content of `step.output`, a single file; raises as `get`."""
        from pipespec.retrieval import read_output

        with self._ledger() as ledger:
            step, name = self._output(ledger, output)
            record = self._record(ledger, step)
            return read_output(self.spec, record, name, ledger.tracking_uri)

    def __getitem__(self, step: str) -> StepHandle:
        with self._ledger() as ledger:
            return StepHandle(self, self._one(ledger, step))

    def _ledger(self) -> Ledger:
        from pipespec.tracking.ledger import open_ledger

        log = self.spec.root / STATE_FOLDER / "logs" / "mlflow.log"
        return open_ledger(self.spec.mlflow.tracking_uri, root=self.spec.root, log=log)

    def _plan(
        self, ledger: Ledger, targets: Sequence[str], *, force: Sequence[str] = (), verify: bool = False
    ) -> Plan:
        return self._planning(ledger, targets, force=force, verify=verify).plan()

    def _planning(
        self, ledger: Ledger, targets: Sequence[str], *, force: Sequence[str], verify: bool
    ) -> Planning:
        from pipespec.others import OtherPipelines
        from pipespec.planning import Planning

        records: Records = ledger
        if verify:
            from pipespec.tracking.verification import VerifiedRecords

            records = VerifiedRecords(ledger, self.spec.root / STATE_FOLDER / "downloads")
        return Planning(
            self.sweep or self.compiled,
            ledger,
            records,
            targets=targets,
            forced=force,
            read_results=OtherPipelines.of(self.spec).results,
        )

    def _one(self, ledger: Ledger, pattern: str) -> StepSpec:
        """Return the one step that a pattern means; a variant that only records tell of, too."""
        from pipespec.plan.selection import select

        spec, found = self.spec, select(self.spec, (pattern,))
        if any(spec.steps[step].deferred for step in found):
            spec = self._plan(ledger, (pattern,)).pipeline
            found = select(spec, (pattern,))
        if len(found) > 1:
            raise UsageError(
                f"'{pattern}' means {len(found)} steps, among them '{found[0]}' and '{found[1]}'; name one"
            )
        return spec.steps[found[0]]

    def _output(self, ledger: Ledger, reference: str) -> tuple[StepSpec, str]:
        """Split `step.output`; a step with one output may be named alone."""
        pattern, dot, name = reference.rpartition(".")
        step = self._one(ledger, pattern if dot else reference)
        if not dot and len(step.outputs) == 1:
            return step, next(iter(step.outputs))
        if name not in step.outputs:
            known = ", ".join(f"'{step.id}.{each}'" for each in step.outputs) or "none"
            raise UsageError(f"'{reference}' is no output; step '{step.id}' has {known}")
        return step, name

    def _record(self, ledger: Ledger, step: StepSpec) -> StepRecord:
        plan = self._plan(ledger, (step.id,))
        record = plan.decisions[step.id].record
        if record is None:
            raise UsageError(
                f"step '{step.id}' is not complete; 'pipespec run {self.compiled.name} {step.id}' makes it so"
            )
        return record


@dataclass(frozen=True, slots=True)
class StepHandle:
    """One step of a pipeline, for notebooks: `pipeline["titles"].load("titles")`."""

    pipeline: Pipeline
    step: StepSpec

    def path(self, output: str) -> Path:
        """Return a local path of an output of the complete run, its content checked. It is not yours to change."""
        from pipespec.retrieval import local_output

        with self.pipeline._ledger() as ledger:  # noqa: SLF001 - one idea in two classes
            record = self.pipeline._record(ledger, self.step)  # noqa: SLF001
            return local_output(self.pipeline.spec, record, output, ledger.tracking_uri)

    def load(self, output: str, as_type: type | None = None) -> Any:
        """Load an output as its suffix says, or as `as_type` (`pandas.DataFrame`, `dict`, `Path`, ...)."""
        from pipespec.retrieval import load_path

        return load_path(self.path(output), as_type)


def _status(decision: Decision, attempt: Attempt | None, *, finished: bool) -> StepStatus:
    """Judge a step: what it has counts first, then what its last attempt is doing or did, then its past."""
    from pipespec.plan.model import StepStatus

    step, record = decision.step.id, decision.record
    if record is not None:
        state = "failed" if decision.check_failures else "complete"
        return StepStatus(step, state, record.run_id, record.started, record.ended, record.metrics)
    if attempt is None:
        return StepStatus(step, "stale" if finished else "missing")
    states = {"RUNNING": "running", "FAILED": "failed", "KILLED": "failed"}
    state = states.get(attempt.status, "stale" if finished else "missing")
    return StepStatus(step, state, attempt.run_id, attempt.started, attempt.ended, attempt.metrics)


def _report_of_reuse(plan: Plan, seconds: float) -> RunReport:
    from pipespec.plan.model import RunReport, StepResult, StepState

    results = []
    for step, decision in plan.decisions.items():
        assert decision.key is not None
        assert decision.record is not None
        results.append(StepResult(step, StepState.REUSED, decision.key.hex, decision.record.run_id))
    return RunReport(None, tuple(results), seconds)
