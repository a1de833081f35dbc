"""A plan as text for a terminal of 80 columns, and as JSON.

Takes a `Plan`. Returns text or the structure of `schemas/plan.schema.json`, with the steps in the order in which they
would run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipespec.errors import counted
from pipespec.plan.forecast import forecast
from pipespec.plan.plan import Action, Decision, Plan, ReasonKind
from pipespec.plan.store_name import StoreName
from pipespec.spec.pipeline_spec import PipelineSpec, StepInput
from pipespec.spec.variant_names import variant_id
from pipespec.views.forecast_view import expected_cell, forecast_json, forecast_lines
from pipespec.views.mlflow_links import name_of_store
from pipespec.views.state_words import state_word
from pipespec.views.styled_text import joined
from pipespec.views.terminal_text import age_text, printable, rows

__all__ = ["empty_steps", "render_text", "summary", "to_json", "why"]

_TOLD: Final = 3
"""Maximum number of reasons of one step that text shows. JSON contains all."""


def render_text(plan: Plan, *, store: StoreName | None, now: float | None = None, workers: int = 1) -> str:
    """Show each step with what happens, how long it may take and why, and a summary as the last lines.

    `store` is where records were looked up, if it is to be shown. `now`, in POSIX seconds, adds to reused steps how old
    their results are. `workers` is the number of steps that run in parallel, for the expected time.
    """
    expected = forecast(plan, workers) if plan.history else None
    cells = [
        (
            (
                state_word(decision.action),
                printable(step_id),
                *([expected_cell(expected, step_id)] if expected else []),
            ),
            why(decision, now),
        )
        for step_id, decision in plan.decisions.items()
    ]
    where = [] if store is None else [name_of_store(store)]
    outside: list[str] = []
    if plan.facts.results:
        from pipespec.views.outside_view import outside_lines  # noqa: PLC0415 - few plans read external results

        outside = outside_lines(plan, now)
    times = [] if expected is None else list(forecast_lines(expected))
    return joined(
        "\n",
        [
            *rows(cells),
            "",
            summary(plan),
            *times,
            *outside,
            *empty_steps(plan.pipeline),
            *where,
        ],
    )


def empty_steps(spec: PipelineSpec) -> list[str]:
    """Advise, with a line for each, about steps whose matrix is empty, and about inputs that collect nothing."""
    found = [f"step '{name}' has no variants, since its matrix is empty" for name in spec.empty_steps]
    for step in spec.steps.values():
        for argument, given in step.inputs.items():
            source = given.source
            if isinstance(source, StepInput) and not source.producers:
                read = variant_id(source.step, source.selection)
                found.append(
                    f"input '{argument}' of step '{step.id}' gets an empty collection: '{read}' has no variants"
                )
    return [printable(f"advice: {line}") for line in found]


def to_json(plan: Plan, *, store: StoreName, workers: int = 1) -> dict[str, Any]:
    """Return the structure of `schemas/plan.schema.json`."""
    expected = forecast(plan, workers)
    outside = {}
    if plan.facts.results:
        from pipespec.views.outside_view import outside_json  # noqa: PLC0415 - as above

        outside = {"outside": outside_json(plan)}
    return {
        "version": 1,
        "store": store.uri,
        "steps": [
            {
                "step": step_id,
                "action": str(decision.action),
                "key": None if decision.key is None else decision.key.hex,
                "run_id": None if decision.record is None else decision.record.run_id,
                "reasons": [
                    {"kind": str(reason.kind), "detail": reason.detail} for reason in decision.reasons
                ],
                "expected_seconds": expected.steps.get(step_id, 0.0),
            }
            for step_id, decision in plan.decisions.items()
        ],
        "expected": forecast_json(expected),
        **outside,
    }


def why(decision: Decision, now: float | None) -> str:
    """Say why a step is decided as it is. `now`, in POSIX seconds, adds how old a reused result is."""
    phrases = list(_phrases(decision, now))
    if len(phrases) > _TOLD:
        phrases[_TOLD:] = [f"and {len(phrases) - _TOLD} more reasons"]
    if decision.action is Action.WAIT and decision.same_as is None:
        phrases.append("may be reused")
    return printable("; ".join(phrases))


def _phrases(decision: Decision, now: float | None) -> Iterator[str]:
    record = decision.record
    if record is not None and now is not None:
        yield age_text(now - record.ended)
    for number, reason in enumerate(decision.reasons):
        match reason.kind:
            case ReasonKind.COMPLETE:
                continue
            case ReasonKind.BLOCKED:
                yield f"blocked: {reason.detail}"
            case ReasonKind.CHECK_FAILED:
                yield f"fails: {reason.detail}"
            case ReasonKind.CHANGED | ReasonKind.ACCEPTED:
                yield reason.detail
            # For a step that runs or shares a key, the first reason is enough: it would do so anyway.
            case _ if number == 0 or (decision.action is Action.WAIT and decision.same_as is None):
                yield reason.detail


def summary(plan: Plan) -> str:
    """Count what a plan does with its steps."""
    decisions = plan.decisions.values()
    count = {action: sum(each.action is action for each in decisions) for action in Action}
    failing = sum(bool(each.check_failures) for each in decisions)
    if plan.is_complete:
        return f"complete: nothing to run, {count[Action.REUSE]} reused"
    parts = [f"{count[Action.RUN]} to run"]
    if count[Action.WAIT]:
        parts.append(f"{count[Action.WAIT]} may run")
    parts.append(f"{count[Action.REUSE]} reused")
    if failing:
        parts.append(counted(failing, "fails its checks", "fail their checks"))
    return ", ".join(parts)
