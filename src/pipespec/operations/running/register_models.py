"""Register what a run produced or reused, under the names that the pipeline gives to models.

Takes the report of a run, and returns it with what was registered. A model is registered only if no downstream step
failed, so that a step that tests it decides. If the registry cannot be reached, nothing is lost: the runs are finished,
and the next run, which reuses them, registers what is missing. Existing versions are only looked up, without MLflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from pipespec.activity import busy
from pipespec.errors import PipespecError
from pipespec.operations.planning.open_store import read_registry, write_registry
from pipespec.plan.results import Registered, RunReport, StepResult, StepState
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.spec.step_graph import ancestors
from pipespec.tracking.models.registration import ToRegister, find_all, is_done, register
from pipespec.tracking.models.registry import ModelVersion

__all__ = ["with_registered"]

_GOOD: Final = (StepState.RAN, StepState.REUSED)
_ENDED: Final = {
    StepState.FAILED: "failed",
    StepState.BLOCKED: "was not reached",
    StepState.CANCELLED: "was not run",
}
_LATER: Final = "its run is recorded, and the next run registers it"


def with_registered(report: RunReport) -> RunReport:
    """Return the report of a run after registering its models as far as possible; not after an interrupt."""
    if report.plan is None or report.interrupted_by is not None or not (wanted := [*_wanted(report)]):
        return report
    culprits = _failed_below(report)
    refused = [_refused(one, culprits[one.step]) for one in wanted if one.step in culprits]
    left = [one for one in wanted if one.step not in culprits]
    return replace(report, registered=(*_registered(left, report.plan.pipeline), *refused))


def _failed_below(report: RunReport) -> dict[str, str]:
    """Map each step with a downstream step that did not succeed to a text that says so."""
    assert report.plan is not None
    found: dict[str, str] = {}
    for result in report.steps:
        if result.state not in _GOOD:
            for step in ancestors(report.plan.pipeline.upstream, (result.step,)):
                found.setdefault(step, f"step '{result.step}', which depends on it, {_ENDED[result.state]}")
    return found


def _wanted(report: RunReport) -> Iterator[ToRegister]:
    assert report.plan is not None
    for result in report.steps:
        if result.state in _GOOD and result.record is not None:
            yield from _of_step(report, result)


def _of_step(report: RunReport, result: StepResult) -> Iterator[ToRegister]:
    assert report.plan is not None
    assert result.record is not None
    for output in report.plan.decisions[result.step].step.outputs.values():
        asked = None if output.model is None else output.model.register
        if asked is not None and output.name in result.record.outputs:
            yield ToRegister(
                result.record,
                result.step,
                output.name,
                asked.name,
                asked.alias,
                report.plan.pipeline.name,
                report.invocation or "",
            )


def _registered(wanted: Sequence[ToRegister], spec: PipelineSpec) -> Iterator[Registered]:
    problem: str | None = None
    left: list[ToRegister] = []
    if not wanted:
        return
    try:
        with read_registry(spec) as registry:
            for one, found in find_all(registry, wanted):
                if is_done(found, one):
                    yield _told(one, found[0])
                else:
                    left.append(one)
    except PipespecError as error:
        problem = str(error)
    if problem is not None:
        yield from (_refused(one, f"{problem}; {_LATER}") for one in wanted)
    elif left:
        yield from _written(left, spec)


def _written(wanted: Sequence[ToRegister], spec: PipelineSpec) -> Iterator[Registered]:
    with busy("registering models"), write_registry(spec) as registry:
        for one in wanted:
            try:
                yield _told(one, register(registry, one), is_new=True)
            except PipespecError as error:
                yield _refused(one, f"{error}; {_LATER}")


def _told(wanted: ToRegister, version: ModelVersion, *, is_new: bool = False) -> Registered:
    return Registered(wanted.step, wanted.output, version.name, version.version, wanted.alias, is_new)


def _refused(wanted: ToRegister, problem: str) -> Registered:
    return Registered(wanted.step, wanted.output, wanted.name, problem=problem)
