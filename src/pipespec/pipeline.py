"""The `Pipeline` that `load` returns: a pipeline without mistakes that you can plan, run and inspect from Python.

    Pipeline.plan()    spec + facts + records -> `Plan`
    Pipeline.run()     plan -> engine -> `RunReport`

Each method imports what it needs: planning does not load the engine, and inspecting a pipeline loads neither plans nor tracking.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

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

__all__ = ["Pipeline", "StepHandle", "takes_several"]


_SEVERAL: Final = frozenset({"files", "force", "keep_tags", "kinds", "overlays", "overrides", "sweeps"})
_Function = TypeVar("_Function", bound=Callable[..., Any])


def takes_several(function: _Function) -> _Function:
    """Let a function of the API accept one text or path for each argument that is several.

    Python takes a text for a sequence of its letters, so without this `overlays="a.yaml"` would be six files.
    """
    names = function.__code__.co_varnames[: function.__code__.co_argcount]

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        placed = [
            _several(value) if name in _SEVERAL else value for name, value in zip(names, args, strict=False)
        ]
        named = {name: _several(value) if name in _SEVERAL else value for name, value in given.items()}
        return function(*placed, *args[len(placed) :], **named)

    return cast("_Function", call)


def _several(value: Any) -> Any:
    values = (value,) if isinstance(value, str | os.PathLike) else value
    return tuple(os.fspath(each) if isinstance(each, os.PathLike) else each for each in values)


@frozen
class Pipeline:
    """A pipeline without mistakes that can be planned and run.

    In a notebook it may exist for hours. Every method that plans, runs, draws or reads the store therefore first reads again
    what has changed in the pipeline's files, the project's code, the environment and git. `spec` and `source` stay as they
    were loaded; `Plan.pipeline` is the pipeline that was planned.
    """

    spec: PipelineSpec
    source: PipelineSource
    """The compiled source: one file with its layers, or all points of a sweep."""
    requires_values: bool = True
    """If False, values may be `???`; such a pipeline cannot be planned."""

    @property
    def document(self) -> MappingNode:
        """The resolved document. Each value knows the place that set it; secrets remain references."""
        return self.source.document

    def file_document(self) -> MappingNode:
        """Return the resolved document of the file alone, without overlays, overrides and sweeps.

        Raises:
            UsageError: if the file cannot be resolved without them.
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
        """The name of the tracking store that has the pipeline's records. It contains no password, so it can be printed.

        Raises:
            UsageError: if the URI cannot be a tracking store.
        """
        from pipespec.operations.planning.open_store import store_name

        return store_name(self.spec.mlflow.tracking_uri, self.spec.root)

    def redactor(self) -> Redactor:
        """Return an object that removes the pipeline's secrets, with their present values, from texts and logs."""
        return self.source.redactor()

    @takes_several
    def plan(self, *targets: str, force: Sequence[str] = (), verify: bool = False) -> Plan:
        """Decide which of these steps, and of the steps that they need, run and which are reused. Nothing is written.

        A target is a name, a variant (`train[depth=4]`), a glob or `tag:name`. With `verify`, the content of recorded
        outputs is also compared with its digests.

        Raises:
            UsageError: if a target or an input does not exist, or a probe fails.
            StoreUnavailableError: if the records cannot be read.
        """
        from pipespec.operations.inspecting.past_runs import with_history

        with self._open() as session:
            return with_history(session.planning(targets, force=force, verify=verify).plan(), session.ledger)

    def explain(self, step: str) -> Explanation:
        """Explain why a step would run, compared with its nearest past run, or which run it reuses. Nothing is written.

        Raises:
            UsageError: as for `plan`.
            StoreUnavailableError: if the records cannot be read.
        """
        from pipespec.operations.inspecting.past_runs import explain_step

        with self._open() as session:
            chosen = session.step(step).id
            return explain_step(session.plan(chosen), chosen, session.ledger)

    @takes_several
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
        models: Mapping[str, Mapping[str, Any]] | None = None,
        check: bool = True,
    ) -> RunReport:
        """Run the steps that are not complete, at most `workers` at the same time. If there is nothing to do, write nothing.

        Arguments that are None get their value from the pipeline's `engine`.

        After a failure, running steps finish and no new step starts. With `keep_going`, all steps that do not depend on the
        failed one still run. `debug` executes the last step in this process, and starts the debugger if it raises.

        `scheduler` is the address of a luigid. `executor`, `local` or `dask`, says where steps run that do not choose for
        themselves. `dask` is the address of the scheduler of a Dask cluster, or its scheduler file (`*.json`); it implies `executor="dask"`.

        `progress` receives events while the run goes on. By default a notebook shows a table; with False nothing is shown.
        `command` is recorded as the command line. `report` is a file; the report of the run is written to it, also if there
        is nothing to do. `seeds` replace the seeds that steps get from their keys, by the id of the step. `models`
        are read by inputs that name registered models, by the text of the input, each with the fields of a `RecordedModel`; the
        registry is then not asked.

        Raises:
            StepFailedError: if a step failed, with its traceback, or the run was interrupted; not if `check` is False.
            UsageError: as for `plan`; also if the report cannot be written there, or the cluster cannot run the steps.
            StoreUnavailableError: if the store, the scheduler or the cluster cannot be reached. No result is lost.
        """
        began = time.monotonic()
        from pipespec.operations.running.notebook_progress import notebook_progress
        from pipespec.operations.running.run_request import RunRequest
        from pipespec.operations.running.run_session import run_session
        from pipespec.plan.records import RecordedModel

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
                models={text: RecordedModel(**model) for text, model in (models or {}).items()},
            )
            done = run_session(session, asked, began)
        if check and not done.succeeded:
            from pipespec.views.run_view import counts, failures_text

            texts = (failures_text(done), counts(done))
            raise StepFailedError("\n\n".join(text for text in texts if text), done)
        return done

    def status(self, *targets: str) -> StepStates:
        """Return the state of each step, in topological order."""
        from pipespec.operations.inspecting.step_states import states

        with self._open() as session:
            return states(session.plan(*targets), session.ledger)

    def portrait(self, *, status: bool = False) -> Portrait:
        """Return what a picture of the pipeline shows: its steps, the places of their functions and, with `status`, their states.

        Raises:
            StoreUnavailableError: if the store is needed and cannot be reached.
        """
        from pipespec.operations.reporting.graph_portrait import portrait, portrait_with_states

        if not status:
            return portrait(self.source.reread())
        with self._open() as session:
            return portrait_with_states(session)

    def accept(
        self, *steps: str, why: str, confirm: Callable[[Acceptances], bool] = lambda _: True
    ) -> Acceptances:
        """Accept the nearest past runs of steps as their results, although code or packages have changed since.

        Who accepted them and why is recorded on those runs; their results do not change. `confirm` gets what is about to
        be recorded, and returns False to refuse. Steps are named as for `plan`.

        Raises:
            UsageError: if a step is complete, waits for another, never finished, or differs in more than code and packages.
                Nothing is recorded then.
            StoreUnavailableError: if the store cannot be read or written.
        """
        from pipespec.operations.inspecting import accept_changes

        with self._open() as session:
            return accept_changes.accept(session, steps, why=why, confirm=confirm)

    def revoke(self, *steps: str, why: str = "") -> tuple[Revocation, ...]:
        """Revoke what was accepted for steps as they are now. The runs keep a note of it, and of who revoked it.

        Raises:
            UsageError: if nothing was accepted for a step.
            StoreUnavailableError: if the store cannot be read or written.
        """
        from pipespec.operations.inspecting import accept_changes

        with self._open() as session:
            return accept_changes.revoke(session, steps, why=why)

    def logs(self, step: str, *, follow: bool = False) -> Iterator[str]:
        """Yield the log of a step's last attempt in pieces. With `follow`, also yield what is added while it runs.

        Instead of a step, `run:ID` names any run of a step; the first digits of the id are enough.

        Raises:
            UsageError: if there is no such step or run, or the step was never started.
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
        """Copy `step.output` of the complete run to a path, check its content, and return the path of the copy.

        If the path is a folder, the copy goes into it. `step.output/part` is one file of an output that is a folder.
        `step[*].output` copies the output of all variants, each to a folder of its own below the path, and returns the path.
        `run:ID.output` is the output of that run. A different file or folder at the path is only replaced with `force`.

        Raises:
            UsageError: if there is no such output, its step is not complete, or something else is at the path.
        """
        from pipespec.operations.planning.fetch_outputs import fetch_outputs

        with self._open() as session:
            copies = fetch_outputs(session, output, to, force=force)
        return to if to is not None and "[*]" in output else copies[0]

    def read_bytes(self, output: str) -> bytes:
        """Return the content of `step.output`, which is a single file. Raises the errors of `get`."""
        from pipespec.operations.planning.fetch_outputs import read_output

        with self._open() as session:
            return read_output(session, output)

    def path(self, output: str) -> Path:
        """Return a local path of `step.output`, after a check of its content. Do not change the file. Raises the errors of `get`."""
        from pipespec.operations.planning.fetch_outputs import local_output

        with self._open() as session:
            return local_output(session, output)

    @contextmanager
    def callable_step(self, step: str) -> Iterator[StepCall]:
        """Find a step to call it once with given files and values. Its code is only imported by the call; nothing is recorded.

        Raises:
            UsageError: if the name matches no step, or several.
            StoreUnavailableError: if the store cannot be reached.
        """
        from pipespec.operations.calling.call_step import step_call

        with self._open() as session:
            yield step_call(session, step)

    def graph(self, *, status: bool = False) -> ShownText:
        """Draw the steps and their inputs as text; a notebook shows a picture. With `status`, also show each step's state.

        Raises:
            StoreUnavailableError: if the store is needed and cannot be reached.
        """
        from pipespec.views.graph.graph_text import render_text
        from pipespec.views.session_view import picture_html

        found = self.portrait(status=status)
        return ShownText(render_text(found.spec, found.states), partial(picture_html, found))

    def config(self, *, origin: bool = False) -> ShownText:
        """Return the file as YAML, with all layers merged and references resolved. With `origin`, show where each value is from."""
        from pipespec.views.document_view import to_yaml

        return ShownText(to_yaml(self.source.reread().document, with_origin=origin))

    def diff(self, other: str | None = None, *, records: bool = False) -> Difference:
        """Compare the file with its last commit, or with `other`: a file, `FILE@REVISION` or `run:ID`.

        Only the files are compared, without the layers that this pipeline was loaded with.

        Raises:
            UsageError: if the revision, run or file does not exist.
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
        """Compare the `latest` runs of a step, or the invocations of the pipeline, or the runs that you name (`run:ID`).

        With `points`, compare the points of the newest sweep, or of the one that you name. `baseline` is `run:ID`,
        `tag:KEY=VALUE` or `@COMMIT`; the default is the run that `set_baseline` marked. `min_delta` and `max_delta` limit, for
        each metric, how far the newest run may be from the baseline. The result lists broken limits as `regressions`.

        Raises:
            UsageError: if there are no such runs, no such baseline, or no such metric.
            StoreUnavailableError: if the store cannot be reached.
        """
        from pipespec.operations.inspecting.compare_runs import compare_runs
        from pipespec.plan.run_comparison import DeltaBounds

        least, most = min_delta or {}, max_delta or {}
        bounds = {name: DeltaBounds(least.get(name), most.get(name)) for name in (*least, *most)}
        with self._open() as session:
            return compare_runs(session, what, baseline=baseline, latest=latest, points=points, bounds=bounds)

    def set_baseline(self, run: str, *, name: str = "default") -> NewBaseline:
        """Mark a finished run as the baseline of its step, or of the invocations of its pipeline, under a name.

        Raises:
            UsageError: if there is no such run, or it did not finish.
            StoreUnavailableError: if the store cannot be read or written.
        """
        from pipespec.operations.inspecting.baselines import set_baseline
        from pipespec.operations.planning.open_store import write_store

        with self._open() as session:
            return set_baseline(session.ledger, lambda: write_store(session.spec), run, name)

    def lineage(self, run: str, *, up: bool = True, down: bool = True) -> Lineage:
        """Find what the outputs of a step's run were made from (`up`), and what was made from them (`down`), in all pipelines.

        `run` is an id, its first digits, or a version of a registered model: `models:/news-classifier@champion`.

        Raises:
            UsageError: if there is no such run, or it is not the run of a step.
            StoreUnavailableError: if the store cannot be reached.
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
        """Repeat a past run from its commit, its recorded changes and its recorded pipeline, and compare the results.

        `run` is the id of an invocation's run, or of a step's run, which is repeated with all that is upstream. Numbers may
        differ by `tolerance`; if the larger one is above 1, the tolerance is relative to it. With `environment="uv"`, the
        recorded packages are installed in a new environment. The work is done in `folder`, which must not exist, or in a
        temporary folder. It is removed at the end unless `keep` is set. Without `quiet`, progress is written to stderr.

        Raises:
            UsageError: if the run cannot be repeated; the text gives the reason.
            PipespecError: if the work tree or the environment cannot be created.
            StoreUnavailableError: if the store cannot be reached.
        """
        from pipespec.operations.planning.open_store import read_store
        from pipespec.operations.reproducing.reproduce import ReproduceOptions, reproduce

        place = None if folder is None else Path(folder)
        options = ReproduceOptions(tolerance, environment, place, keep, workers, quiet)
        with read_store(self.spec) as ledger:
            return reproduce(ledger, run, self.spec.root, options)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the steps that the file has now; variants have their ids."""
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
        except PipespecError:  # a pipeline can be shown without its store
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
        """Return a local path of an output of the complete run, after a check of its content. Do not change the file."""
        return self.pipeline.path(f"{self.step.id}.{output}")

    def __repr__(self) -> str:
        from pipespec.views.session_view import step_text

        return step_text(self.step, self.pipeline.spec.name)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.step.outputs)

    def load(self, output: str, as_type: type | None = None) -> Any:
        """Load an output as its suffix says, or as `as_type` (`pandas.DataFrame`, `dict`, `Path`, ...).

        If the output has a `flavor`, this returns the model object, or `mlflow.pyfunc.PyFuncModel` if you ask for that type.
        """
        from pipespec.operations.planning.fetch_outputs import load_model, load_path

        declared = self.step.outputs.get(output)
        if declared is not None and declared.model is not None and as_type is not Path:
            return load_model(self.path(output), as_type, self.pipeline.spec)
        return load_path(self.path(output), as_type)
