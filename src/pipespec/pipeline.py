"""A pipeline without mistakes, to plan, run and look at from Python: what `load` returns.

    Pipeline.plan()    spec + facts + records -> `Plan`
    Pipeline.run()     plan -> engine -> `RunReport`

Each method imports what it needs: a plan needs no engine, and a pipeline that is only looked at neither plans nor tracks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipespec.display import ShownText
from pipespec.errors import InvalidPipelineError, PipespecError, StepFailedError, UsageError
from pipespec.frozen_values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipespec.document.nodes import MappingNode
    from pipespec.engine.progress_events import Progress
    from pipespec.operations.calling.call_step import StepCall
    from pipespec.operations.compiling.pipeline_source import PipelineSource
    from pipespec.operations.planning.pipeline_session import PipelineSession
    from pipespec.plan.acceptance import Acceptances, Revocation
    from pipespec.plan.explanation import Explanation
    from pipespec.plan.lineage import Lineage
    from pipespec.plan.pipeline_diff import Difference
    from pipespec.plan.plan import Plan
    from pipespec.plan.records import StepRecord
    from pipespec.plan.reproduction import Reproduction
    from pipespec.plan.results import RunReport, StepStates
    from pipespec.plan.run_comparison import NewBaseline, RunComparison
    from pipespec.plan.store_name import StoreName
    from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
    from pipespec.step.secrets import Redactor
    from pipespec.views.graph.portrait import Portrait

__all__ = ["Pipeline", "StepHandle"]


@frozen
class Pipeline:
    """A pipeline without mistakes, ready to be planned and run.

    It may live for hours, in a notebook: every method that plans, runs, draws or asks the store first reads anew what has
    changed of the pipeline's files, the project's code, the environment and git. `spec` and `source` are as they were
    loaded; `Plan.pipeline` is what was planned.
    """

    spec: PipelineSpec
    source: PipelineSource
    """What was compiled: one file with its layers, or that at all points of a sweep."""
    requires_values: bool = True
    """False where `???` may stand in it, so that it cannot be planned."""

    @property
    def document(self) -> MappingNode:
        """The resolved document, each value with the place that set it; secrets stay references."""
        return self.source.document

    def file_document(self) -> MappingNode:
        """Return the resolved document of the file alone, without overlays, overrides and sweeps.

        Raises:
            UsageError: where the file cannot be resolved without them.
        """
        from pipespec.operations.compiling.compile_file import compile_file

        try:
            return compile_file(self.source.name, trusted=True, keeps_unset=True).document
        except InvalidPipelineError as invalid:
            first = invalid.diagnostics[0]
            raise UsageError(
                f"'{self.source.name}' cannot be resolved without its overlays, so it cannot be compared: {first.message};"
                " use '--origin' to see which layer sets each value"
            ) from invalid

    @property
    def store(self) -> StoreName:
        """The tracking store that has its records, named as it may be printed: without a password.

        Raises:
            UsageError: for a URI that can be no store.
        """
        from pipespec.operations.planning.open_store import store_name

        return store_name(self.spec.mlflow.tracking_uri, self.spec.root)

    def redactor(self) -> Redactor:
        """Return what takes the pipeline's secrets, as the environment has them now, out of texts and logs."""
        return self.source.redactor()

    def plan(self, *targets: str, force: Sequence[str] = (), verify: bool = False) -> Plan:
        """Decide what runs and what is reused, of these steps and all that they need; write nothing.

        A target is a name, a variant (`train[depth=4]`), a glob or `tag:name`. With `verify` the content of what
        is recorded is compared with its digests, too.

        Raises:
            UsageError: for a target that is not there, an input that is gone, a probe that fails.
            StoreUnavailableError: where the records cannot be asked.
        """
        from pipespec.operations.inspecting.past_runs import with_history

        with self._open() as session:
            return with_history(session.planning(targets, force=force, verify=verify).plan(), session.ledger)

    def explain(self, step: str) -> Explanation:
        """Say why one step would run, compared with its nearest past run, or which run it reuses; write nothing.

        Raises:
            UsageError: as for `plan`.
            StoreUnavailableError: where the records cannot be asked.
        """
        from pipespec.operations.inspecting.past_runs import explain_step

        with self._open() as session:
            chosen = session.step(step).id
            return explain_step(session.plan(chosen), chosen, session.ledger)

    def run(
        self,
        *targets: str,
        workers: int | None = None,
        force: Sequence[str] = (),
        keep_going: bool | None = None,
        verify: bool = False,
        debug: bool = False,
        scheduler: str | None = None,
        executor: str | None = None,
        dask: str | None = None,
        progress: Progress | Literal[False] | None = None,
        command: str | None = None,
        report: str | Path | None = None,
        seeds: Mapping[str, int] | None = None,
        check: bool = True,
    ) -> RunReport:
        """Run what is not complete, `workers` steps at a time; where nothing is to do, write nothing.

        After a failure what runs finishes and nothing new starts, or, with `keep_going`, all goes on that does
        not depend on it. `debug` executes the last step that runs in this process, under the debugger when it
        raises. `scheduler` is the address of a luigid. `executor` is where steps run that do not say it themselves, `local` or
        `dask`; `dask` is the address of the scheduler of a Dask cluster, and means the executor, too. What is None is as the pipeline's `engine` says. `progress` is told
        how the run goes on; without one a notebook shows a table, and with False nothing. `command` is what is recorded as the command line. `report` is a file that gets the page which
        the invocation's run has; it is written where nothing is to do, too.
        `seeds` are what the random numbers of some steps start from, by id, in place of what follows from their keys.

        Raises:
            StepFailedError: where a step failed, with its traceback, or the run was interrupted; unless `check` is False.
            UsageError: as for `plan`, for a report's place where no file can be, and for a cluster that cannot run the steps.
            StoreUnavailableError: where the store, the scheduler or the cluster cannot be asked; nothing is lost by that.
        """
        began = time.monotonic()
        from pipespec.operations.running.notebook_progress import notebook_progress
        from pipespec.operations.running.run_request import RunRequest
        from pipespec.operations.running.run_session import run_session

        with (
            notebook_progress() if progress is None else nullcontext(progress or None) as told,
            self._open() as session,
        ):
            asked = RunRequest(
                targets=targets,
                force=tuple(force),
                verify=verify,
                workers=workers,
                keep_going=keep_going,
                debug=debug,
                scheduler=scheduler,
                executor=executor,
                dask=dask,
                progress=told,
                command=command,
                report=None if report is None else Path(report),
                seeds=seeds or {},
            )
            done = run_session(session, asked, began)
        if check and not done.succeeded:
            from pipespec.views.run_view import counts, failures_text

            texts = (failures_text(done), counts(done))
            raise StepFailedError("\n\n".join(text for text in texts if text), done)
        return done

    def status(self, *targets: str) -> StepStates:
        """Tell the state of each step, in topological order."""
        from pipespec.operations.inspecting.step_states import states

        with self._open() as session:
            return states(session.plan(*targets), session.ledger)

    def portrait(self, *, status: bool = False) -> Portrait:
        """Tell what a picture shows: the steps, where their functions are and, with `status`, their states.

        Raises:
            StoreUnavailableError: where the store is asked and cannot be.
        """
        from pipespec.operations.reporting.graph_portrait import portrait, portrait_with_states

        if not status:
            return portrait(self.source.reread())
        with self._open() as session:
            return portrait_with_states(session)

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
        from pipespec.operations.inspecting import accept_changes

        with self._open() as session:
            return accept_changes.accept(session, steps, why=why, confirm=confirm)

    def revoke(self, *steps: str, why: str = "") -> tuple[Revocation, ...]:
        """Take back what was accepted for steps as they are now; the runs keep that it was, and who took it back.

        Raises:
            UsageError: where nothing was accepted for a step.
            StoreUnavailableError: where the store cannot be asked, or not be written.
        """
        from pipespec.operations.inspecting import accept_changes

        with self._open() as session:
            return accept_changes.revoke(session, steps, why=why)

    def logs(self, step: str, *, follow: bool = False) -> Iterator[str]:
        """Yield the log of a step's last attempt in pieces; with `follow`, what is added while it runs.

        `run:ID` in place of a step is any run of one; the first digits of the id are enough.

        Raises:
            UsageError: where there is no such step or run, or it was never tried.
        """
        from pipespec.operations.inspecting.read_log import read_log, read_log_of_run
        from pipespec.operations.planning.named_run import is_run

        with self._open() as session:
            if is_run(step):
                redact = session.source.redactor()
                yield from read_log_of_run(step, session.spec, session.ledger, redact, follow=follow)
                return
            found = session.step(step)

            def reused() -> StepRecord | None:
                return session.decision(found).record

            redact = session.source.redactor()
            yield from read_log(session.spec, found, session.ledger, redact, follow=follow, reused=reused)

    def get(self, output: str, to: Path | None = None, *, force: bool = False) -> Path:
        """Copy `step.output` of its complete run to a path, and return it; its content is checked.

        A path that is a folder gets it below. `step.output/part` is one file of a folder; `step[*].output` means all
        variants, each copied to a folder of its own below the path, which is returned; `run:ID.output` that of a certain run. What is there already, and is not
        just that, is replaced with `force` alone.

        Raises:
            UsageError: where there is no such output, its step is not complete, or something else is at the path.
        """
        from pipespec.operations.planning.fetch_outputs import fetch_outputs

        with self._open() as session:
            copies = fetch_outputs(session, output, to, force=force)
        return to if to is not None and "[*]" in output else copies[0]

    def read_bytes(self, output: str) -> bytes:
        """Return the content of `step.output`, a single file; raises as `get`."""
        from pipespec.operations.planning.fetch_outputs import read_output

        with self._open() as session:
            return read_output(session, output)

    def path(self, output: str) -> Path:
        """Return a local path of `step.output`, its content checked. It is not yours to change. Raises as `get`."""
        from pipespec.operations.planning.fetch_outputs import local_output

        with self._open() as session:
            return local_output(session, output)

    @contextmanager
    def callable_step(self, step: str) -> Iterator[StepCall]:
        """Find a step, to call it once on given files and values; nothing is imported before that, and nothing recorded.

        Raises:
            UsageError: where the words mean no step, or several.
            StoreUnavailableError: where the store cannot be asked.
        """
        from pipespec.operations.calling.call_step import step_call

        with self._open() as session:
            yield step_call(session, step)

    def graph(self, *, status: bool = False) -> ShownText:
        """Draw the steps and what they read, as text; a notebook shows a picture. With `status`, the state of each step.

        Raises:
            StoreUnavailableError: where the store is asked and cannot be.
        """
        from pipespec.views.graph.graph_text import render_text
        from pipespec.views.session_view import picture_html

        found = self.portrait(status=status)
        return ShownText(render_text(found.spec, found.states), partial(picture_html, found))

    def config(self, *, origin: bool = False) -> ShownText:
        """Return the file with all layers merged and references resolved, as YAML; with `origin`, where each value is from."""
        from pipespec.views.document_view import to_yaml

        return ShownText(to_yaml(self.source.reread().document, with_origin=origin))

    def diff(self, other: str | None = None, *, records: bool = False) -> Difference:
        """Compare with what the file was: in the last commit, or at `other` (a file, `FILE@REVISION`, `run:ID`).

        Both are compared as files alone, without the layers that this pipeline was loaded with.

        Raises:
            UsageError: for a revision, run or file that is not there.
        """
        from pipespec.operations.inspecting.compare_versions import compare
        from pipespec.operations.inspecting.compare_with_records import compare_with_records

        name = self.source.name
        old, new = (name, None) if other is None else (other, name)
        return compare_with_records(old, new) if records else compare(old, new)

    def compare(
        self,
        *what: str,
        baseline: str | None = None,
        latest: int = 10,
        points: bool = False,
        min_delta: Mapping[str, float] | None = None,
        max_delta: Mapping[str, float] | None = None,
    ) -> RunComparison:
        """Compare the `latest` runs of a step, or the invocations of the pipeline, or runs that are named (`run:ID`).

        With `points`, the points of the newest sweep, or of the one that is named. `baseline` is `run:ID`, `tag:KEY=VALUE` or
        `@COMMIT`; else the run is meant that `set_baseline` marked. `min_delta` and `max_delta` bound, by metric, how far the
        newest run may be from it; `regressions` of the answer are the bounds that it misses.

        Raises:
            UsageError: where there are no such runs, no such baseline, or no such metric.
            StoreUnavailableError: where the store cannot be asked.
        """
        from pipespec.operations.inspecting.compare_runs import compare_runs
        from pipespec.plan.run_comparison import DeltaBounds

        least, most = min_delta or {}, max_delta or {}
        bounds = {name: DeltaBounds(least.get(name), most.get(name)) for name in (*least, *most)}
        with self._open() as session:
            return compare_runs(session, what, baseline=baseline, latest=latest, points=points, bounds=bounds)

    def set_baseline(self, run: str, *, name: str = "default") -> NewBaseline:
        """Mark a finished run as the baseline of its step, or of its pipeline's invocations, under a name.

        Raises:
            UsageError: where there is no such run, or it did not finish.
            StoreUnavailableError: where the store cannot be asked, or not be written.
        """
        from pipespec.operations.inspecting.baselines import set_baseline
        from pipespec.operations.planning.open_store import write_store

        with self._open() as session:
            return set_baseline(session.ledger, lambda: write_store(session.spec), run, name)

    def lineage(self, run: str, *, up: bool = True, down: bool = True) -> Lineage:
        """Tell what made the outputs of a step's run (`up`), and what was made of them (`down`), through all pipelines.

        `run` is an id, its first digits, or a version of a registered model: `models:/news-classifier@champion`.

        Raises:
            UsageError: where there is no such run, or it is none of a step.
            StoreUnavailableError: where the store cannot be asked.
        """
        from pipespec.operations.inspecting.lineage import lineage
        from pipespec.operations.planning.open_store import read_registry

        with self._open() as session:
            return lineage(
                session.ledger,
                run,
                session.spec.root,
                up=up,
                down=down,
                open_registry=lambda: read_registry(session.spec),
            )

    def reproduce(
        self,
        run: str,
        *,
        tolerance: float = 0.0,
        environment: Literal["uv"] | None = None,
        folder: str | Path | None = None,
        keep: bool = False,
        workers: int | None = None,
        quiet: bool = True,
    ) -> Reproduction:
        """Run a past run anew, of its commit, its recorded changes and its recorded pipeline, and compare the results.

        `run` is the id of an invocation's run, or of a step's, which is run with what is upstream. Numbers may differ by
        `tolerance`, those beyond 1 relative to the larger. With `environment="uv"` a new environment gets the recorded packages. All
        is done in `folder`, which must not exist, or a temporary one, and removed at the end unless `keep`. Without `quiet`,
        progress is written to stderr.

        Raises:
            UsageError: where the run cannot be made again, with the reason.
            PipespecError: where the work tree or the environment cannot be made.
            StoreUnavailableError: where the store cannot be asked.
        """
        from pipespec.operations.planning.open_store import read_store
        from pipespec.operations.reproducing.reproduce import ReproduceOptions, reproduce

        place = None if folder is None else Path(folder)
        options = ReproduceOptions(tolerance, environment, place, keep, workers, quiet)
        with read_store(self.spec) as ledger:
            return reproduce(ledger, run, self.spec.root, options)

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the steps, variants by their ids, as the file has them now."""
        return iter(self.source.reread().pipeline.steps)

    def __len__(self) -> int:
        return len(self.source.reread().pipeline.steps)

    def __contains__(self, step: object) -> bool:
        return step in self.source.reread().pipeline.steps

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        from pipespec.views.session_view import pipeline_text

        return pipeline_text(self.spec, self.source.name)

    def _repr_html_(self) -> str:
        from pipespec.views.session_view import picture_html, pipeline_html

        try:
            states = self.status() if self.requires_values else None
        except PipespecError:  # a pipeline can be looked at wherever its store is
            states = None
        return pipeline_html(self.spec, self.source.name, states, picture_html(self.portrait()))

    def __getitem__(self, step: str) -> StepHandle:
        with self._open() as session:
            return StepHandle(self, session.step(step))

    def _open(self) -> PipelineSession:
        from pipespec.operations.planning.pipeline_session import open_session

        if not self.requires_values:
            raise UsageError("the pipeline was loaded with open values ('???'), so it cannot be planned")
        return open_session(self.source.reread())


@frozen
class StepHandle:
    """One step of a pipeline, for notebooks: `pipeline["titles"].load("titles")`."""

    pipeline: Pipeline
    step: StepSpec

    def path(self, output: str) -> Path:
        """Return a local path of an output of the complete run, its content checked. It is not yours to change."""
        return self.pipeline.path(f"{self.step.id}.{output}")

    def __repr__(self) -> str:
        from pipespec.views.session_view import step_text

        return step_text(self.step, self.pipeline.spec.name)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.step.outputs)

    def load(self, output: str, as_type: type | None = None) -> Any:
        """Load an output as its suffix says, or as `as_type` (`pandas.DataFrame`, `dict`, `Path`, ...).

        Of an output with a `flavor` the object comes back, or `mlflow.pyfunc.PyFuncModel` around it.
        """
        from pipespec.operations.planning.fetch_outputs import load_model, load_path

        declared = self.step.outputs.get(output)
        if declared is not None and declared.model is not None and as_type is not Path:
            return load_model(self.path(output), as_type, self.pipeline.spec)
        return load_path(self.path(output), as_type)
