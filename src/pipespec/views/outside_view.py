"""Which runs of other pipelines, and which versions of models, a plan reads: as lines, and as JSON.

Takes a `Plan`. An input is named once for all variants of its step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipespec.plan.plan import Plan
from pipespec.plan.records import OtherResult
from pipespec.spec.pipeline_spec import PipelineInput
from pipespec.spec.registered_models import LATEST, ModelInput
from pipespec.views.terminal_text import age_text, printable

__all__ = ["outside_json", "outside_lines"]

_MOST: Final = 20
"""Maximum number that text shows. JSON contains all."""


def outside_lines(plan: Plan, now: float | None = None) -> list[str]:
    """Say, with a line for each, what is used from other pipelines and from the registry. `now`, in POSIX seconds, adds its age."""
    found = dict.fromkeys(
        f"uses {_source_text(source, result)}: {_which(source, result, now)}"
        for _, _, source, result in _read(plan)
    )
    lines = [printable(line) for line in found]
    more = [f"uses {len(lines) - _MOST} more results from outside"] if len(lines) > _MOST else []
    return lines[:_MOST] + more


def outside_json(plan: Plan) -> list[dict[str, Any]]:
    """Return the field `outside` of `schemas/plan.schema.json`."""
    return [
        {
            "step": step,
            "input": argument,
            "source": source.text,
            "run_id": result.run_id or None,
            "output": f"{result.step}.{result.name}" if result.name else None,
            "model": result.model or None,
            "version": result.version or None,
        }
        for step, argument, source, result in _read(plan)
    ]


def _read(plan: Plan) -> Iterator[tuple[str, str, PipelineInput | ModelInput, OtherResult]]:
    for step_id, decision in plan.decisions.items():
        for argument, given in decision.step.inputs.items():
            source = given.source
            if isinstance(source, PipelineInput | ModelInput) and source in plan.facts.results:
                yield step_id, argument, source, plan.facts.results[source]


def _source_text(source: PipelineInput | ModelInput, result: OtherResult) -> str:
    if isinstance(source, ModelInput):
        return f"model '{source.text}'"
    return f"'{result.step}.{result.name}' of '{source.text}'"


def _which(source: PipelineInput | ModelInput, result: OtherResult, now: float | None) -> str:
    latest = f", the {LATEST} that finished" if isinstance(source, PipelineInput) and source.latest else ""
    age = "" if now is None or result.ended is None else f", {age_text(max(now - result.ended, 0.0))}"
    return f"{result.used}{latest}{age}"
