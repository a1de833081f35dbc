"""Execute one `pipespec run` from its plan to its report, and provide what the engine needs from the environment.

Takes a compiled pipeline and a plan with something to do. Returns the report. The data that is recorded for the
invocation is collected only when a step is executed. Its page is created when all steps have ended.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from pipespec.document.wording import quote
from pipespec.engine.places.machine_memory import machine_memory
from pipespec.engine.processes.executors import OpenExecutor
from pipespec.engine.run_plan import NextWave, run_plan
from pipespec.engine.run_settings import RunSettings
from pipespec.errors import StoreUnavailableError, UsageError
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.planning.open_store import write_store
from pipespec.operations.reporting.invocation_report import REPORT, Reporting
from pipespec.operations.reporting.run_environment import about
from pipespec.operations.running.notify import tell
from pipespec.operations.running.run_request import RunRequest
from pipespec.plan.plan import Action, Plan
from pipespec.plan.results import RunReport
from pipespec.project.planned_inputs import PlannedInputs
from pipespec.project.travelling_files import travelling_files
from pipespec.spec.engine_spec import DASK, EXECUTORS, ClusterSpec
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.spec.resource_amounts import MEMORY
from pipespec.state_folder import StateFolder
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_names import RUN_FILE
from pipespec.tracking.tracking_uri import shown
from pipespec.views.mlflow_links import run_url
from pipespec.views.run_view import printable, to_json

__all__ = ["invoke"]


def invoke(
    source: PipelineSource,
    plan: Plan,
    ledger: Ledger,
    asked: RunRequest,
    *,
    reporting: Reporting,
    external: PlannedInputs,
    next_wave: NextWave,
) -> RunReport:
    """Run a plan, and the plans that follow as matrices become known."""
    spec = plan.pipeline
    state = StateFolder.of(spec.root).made()
    state.logs.mkdir(exist_ok=True)
    settings = RunSettings(
        state=state,
        invocation=reporting.about,
        external=external,
        workers=spec.engine.workers_for(asked.workers),
        executor=_executor(spec, asked.executor, asked.dask),
        open_cluster=_opened_dask,
        travelling_files=travelling_files,
        cluster=spec.engine.cluster.below(spec.root) if asked.dask is None else ClusterSpec(asked.dask),
        cluster_places=asked.workers or spec.engine.workers,
        keep_going=spec.engine.keep_going if asked.keep_going is None else asked.keep_going,
        resources=spec.engine.resources,
        machine={MEMORY: machine_memory()},
        scheduler=asked.scheduler or spec.engine.scheduler,
        page_of=lambda run: run_url(shown(ledger.tracking_uri), run.experiment_id, run.run_id),
        inline=_to_debug(plan) if asked.debug else (),
        on_error=_post_mortem if asked.debug else None,
        patience=spec.engine.patience,
        seeds=asked.seeds,
        redact=source.redactor(),
        about=about(),
        report_files=lambda report: _report_files(report, reporting),
    )
    run = partial(
        run_plan,
        plan,
        ledger=ledger,
        open_recorder=partial(write_store, spec),
        settings=settings,
        progress=asked.progress,
        next_wave=next_wave,
    )
    report = _told(run, partial(tell, source, plan, ledger))
    reporting.write(report)
    return report


def _opened_dask(*arguments: Any, **named: Any) -> AbstractContextManager[OpenExecutor]:
    from pipespec.engine.dask.open_dask import opened_dask  # noqa: PLC0415 - Dask takes two seconds, and few runs use it

    return opened_dask(*arguments, **named)


def _executor(spec: PipelineSpec, asked: str | None, dask: str | None) -> str:
    """Return where steps run. If a cluster is named, they run there.

    Raises:
        UsageError: for an unknown executor, or another executor together with a cluster.
    """
    if asked is not None and asked not in EXECUTORS:
        raise UsageError(
            f"there is no executor {quote(asked)}; the executors are {' and '.join(map(quote, EXECUTORS))}"
        )
    if dask is not None and asked not in (None, DASK):
        raise UsageError(
            f"the executor is {quote(asked or '')}, but a Dask cluster was named, too; remove one of them"
        )
    return DASK if dask is not None else asked or spec.engine.executor


def _told(run: Callable[[], RunReport], tell_of: Callable[[RunReport | Exception], list[str]]) -> RunReport:
    """Run, and send notifications about how it ended."""
    try:
        report = run()
    except StoreUnavailableError as error:
        _complain(tell_of(error))
        raise
    if report.invocation is not None:
        _complain(tell_of(report))
    return report


def _complain(problems: Sequence[str]) -> None:
    with contextlib.suppress(OSError, ValueError):  # the reader of the output has ended
        for problem in problems:
            sys.stderr.write(f"{printable(problem)}\n")


def _to_debug(plan: Plan) -> tuple[str, ...]:
    """Choose the step to debug: the last one of the plan that may run."""
    chosen = [step for step, decision in plan.decisions.items() if decision.action is not Action.REUSE]
    return tuple(chosen[-1:])


def _post_mortem(error: BaseException) -> None:
    import pdb  # noqa: PLC0415, T100 - this is the purpose of --pdb; 10 ms

    pdb.post_mortem(error.__traceback__)


def _report_files(report: RunReport, reporting: Reporting) -> Mapping[str, str]:
    files = {RUN_FILE: json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n"}
    page = reporting.page(report)
    return files if page is None else files | {REPORT: page}
