"""Execute one `pipespec run`, from an open pipeline to the report.

Takes a session and what was requested of the run. Returns the report. If there is nothing to do, nothing is written,
and neither MLflow nor Luigi is imported: each part is imported only when it is needed.
"""

from __future__ import annotations

import time
from dataclasses import replace

from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.planning.open_store import store_name
from pipespec.operations.planning.pipeline_session import PipelineSession
from pipespec.operations.planning.plan_waves import Planning
from pipespec.operations.planning.reuse_memo import keep_reuse
from pipespec.operations.reporting.sweep_points import ended_points
from pipespec.operations.running.publish_unpublished import publish_unpublished
from pipespec.operations.running.run_request import RunRequest
from pipespec.operations.running.settle_left_runs import settle_left_runs
from pipespec.plan.plan import Plan
from pipespec.plan.results import RunReport, StepResult

__all__ = ["run_session"]


def run_session(session: PipelineSession, asked: RunRequest, began: float) -> RunReport:
    """Plan, execute the steps, and register the resulting models. Raises the same errors as `Pipeline.run`.

    `began` is when the run started, by the monotonic clock.
    """
    publish_unpublished(session.spec, session.ledger)
    planning = session.planning(asked.targets, force=asked.force, verify=asked.verify, models=asked.models)
    plan = planning.plan()
    if not plan.is_complete:
        return _executed(session, planning, plan, asked)
    settle_left_runs(planning.source, session.ledger)
    if asked.report is None:
        reused = _with_registered(_report_of_reuse(planning.source, plan, time.monotonic() - began))
        keep_reuse(planning.source, plan, reused.steps, asked.targets)
        return reused
    from pipespec.operations.reporting.invocation_report import Reporting  # noqa: PLC0415 - few runs of this kind need it

    reporting = Reporting.on(planning, asked.command, asked.report)
    reused = _with_registered(_report_of_reuse(planning.source, plan, time.monotonic() - began))
    reporting.write(reused)
    return reused


def _executed(session: PipelineSession, planning: Planning, plan: Plan, asked: RunRequest) -> RunReport:
    from pipespec.operations.reporting.invocation_report import Reporting  # noqa: PLC0415 - it creates pages
    from pipespec.operations.running.run_pipeline import invoke  # noqa: PLC0415 - it imports Luigi
    from pipespec.project.planned_inputs import PlannedInputs  # noqa: PLC0415 - needed only if steps are executed

    reporting = Reporting.on(planning, asked.command, asked.report)
    if asked.progress is not None:
        from pipespec.operations.inspecting.past_runs import with_past_seconds  # noqa: PLC0415 - needed only by `watch`
        from pipespec.plan.time_left import Remaining  # noqa: PLC0415 - as above

        timed = with_past_seconds(plan, session.ledger)
        asked.progress.expect(Remaining(timed, session.spec.engine.workers_for(asked.workers)))
    done = invoke(
        session.source,
        plan,
        session.ledger,
        asked,
        reporting=reporting,
        external=PlannedInputs(session.spec.root, planning.files, planning.results),
        next_wave=planning.next_wave,
    )
    done = _with_registered(done)
    if done.succeeded and done.plan is not None:
        keep_reuse(planning.source, done.plan, done.steps, asked.targets)
    return replace(done, points=ended_points(planning.source, done))


def _with_registered(report: RunReport) -> RunReport:
    """Register the models of a run, if its pipeline has any."""
    assert report.plan is not None
    if not any(decision.step.registers for decision in report.plan.decisions.values()):
        return report
    from pipespec.operations.running.register_models import with_registered  # noqa: PLC0415 - few pipelines have one

    return with_registered(report)


def _report_of_reuse(source: PipelineSource, plan: Plan, seconds: float) -> RunReport:
    results = []
    for step, decision in plan.decisions.items():
        assert decision.key is not None
        assert decision.record is not None
        results.append(StepResult.of_record(step, decision.key.hex, decision.record))
    store = store_name(plan.pipeline.mlflow.tracking_uri, plan.pipeline.root)
    report = RunReport(None, tuple(results), seconds, store, plan=plan)
    return replace(report, points=ended_points(source, report))
