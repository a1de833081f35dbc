"""All that is known about a pipeline's steps, as in `graph --format json` and on pages.

Takes a `Portrait`: the pipeline, the places of its functions and, if the records were read, the states of its steps.
Returns the structure of `schemas/graph.schema.json`, in which every variant is a separate step. Secrets are references,
as in the pipeline. Passwords in URIs are hidden.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pipespec.document.nodes import JSON, Node, plain, set_at
from pipespec.document.password_masking import without_passwords
from pipespec.frozen_values import frozen
from pipespec.plan.records import own_metrics
from pipespec.plan.results import StepStatus
from pipespec.spec.input_wording import input_text
from pipespec.spec.pipeline_spec import InputSource, PipelineSpec, StepSpec
from pipespec.views.graph.graph_picture import edges_between
from pipespec.views.mlflow_links import run_url, ui_command

__all__ = ["Portrait", "to_json"]


@frozen
class Portrait:
    """A pipeline and what is known about it. `places` are those of functions by `str(CallableRef)`: `steps.py:12`.

    Without `statuses`, the store was not read, and its URI is None.
    """

    spec: PipelineSpec
    places: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, StepStatus] = field(default_factory=dict)
    tracking_uri: str | None = None
    """The URI of the store as it may be printed."""
    used: Mapping[InputSource, str] = field(default_factory=dict)
    """Which run, or version, is read for inputs from other pipelines and from the registry."""

    @property
    def states(self) -> dict[str, str] | None:
        """The state of each step by its id; None if it was not read."""
        return {step: each.state for step, each in self.statuses.items()} if self.statuses else None


def to_json(portrait: Portrait) -> dict[str, Any]:
    """Return the structure of `schemas/graph.schema.json`: every variant, and an edge for each pair of them."""
    spec = portrait.spec
    return {
        "version": 1,
        "pipeline": spec.name,
        "steps": [_step(step_id, step, portrait) for step_id, step in spec.steps.items()],
        "edges": [
            {
                "from": edge.source,
                "to": edge.reader,
                "kind": "data" if edge.outputs else "order",
                "outputs": list(edge.outputs),
            }
            for edge in edges_between(spec, {step_id: step_id for step_id in spec.steps})
        ],
    }


def _step(step_id: str, step: StepSpec, portrait: Portrait) -> dict[str, Any]:
    call = str(step.call)
    status = portrait.statuses.get(step_id)
    return {
        "step": step_id,
        "name": step.name,
        "variant": dict(step.variant),
        "call": call,
        "place": portrait.places.get(call),
        "description": step.description,
        "params": {name: _param(node) for name, node in step.params.items()},
        "inputs": {
            name: input_text(each.source, portrait.used.get(each.source))
            for name, each in step.inputs.items()
        },
        "outputs": list(step.outputs),
        "files": {name: output.file for name, output in step.outputs.items()},
        "tags": list(step.tags),
        "state": None if status is None else status.state,
        "run": None if status is None or status.run_id is None else _run(status, portrait),
    }


def _param(node: Node) -> dict[str, JSON]:
    """A value, and the place that set it. For a value from the command line, that is the option as it was typed."""
    origin = set_at(node)
    return {
        "value": _hidden(plain(node)),
        "file": without_passwords(origin.file),
        "line": origin.line,
        "layer": origin.layer,
    }


def _hidden(value: JSON) -> JSON:
    match value:
        case str():
            return without_passwords(value)
        case list():
            return [_hidden(item) for item in value]
        case dict():
            return {key: _hidden(item) for key, item in value.items()}
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


def _run(status: StepStatus, portrait: Portrait) -> dict[str, Any]:
    """Describe the run of a state. A metric that is not a finite number is null, because JSON has no such numbers."""
    assert status.run_id is not None
    store = portrait.tracking_uri or ""
    url = run_url(store, status.experiment_id, status.run_id)
    return {
        "run_id": status.run_id,
        "seconds": status.seconds,
        "metrics": {
            name: value if math.isfinite(value) else None
            for name, value in sorted(own_metrics(status.metrics).items())
        },
        "url": url,
        "open": None if url else ui_command(store),
    }
