"""The settings of a pipeline besides its steps: where MLflow keeps records, how a run is executed, who is notified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipespec.document.interpolation.resolver_interface import ReferenceScope
from pipespec.document.nodes import Entry, MappingNode, Node, ScalarNode, plain, set_at
from pipespec.document.wording import quote
from pipespec.document.yaml.plain_scalars import spell
from pipespec.spec.durations import read_duration
from pipespec.spec.engine_spec import EXECUTORS, LOCAL, PATIENCE, ClusterSpec, EngineSpec, StepEngine
from pipespec.spec.node_reading import entries, flag, items, text, whole_number
from pipespec.spec.pipeline_spec import PRIVATE_STORE, MlflowSpec, Notice
from pipespec.spec.placeholders import fill, is_open
from pipespec.spec.places import Places, locate_template
from pipespec.spec.resource_amounts import read_amount
from pipespec.spec.spec_findings import SpecFindings
from pipespec.spec.value_wording import shown

__all__ = [
    "is_off",
    "read_engine",
    "read_experiment",
    "read_mlflow",
    "read_notify",
    "read_resources",
    "read_step_engine",
]

_STEP_ENGINE: Final = StepEngine()
"""Settings of steps that set nothing, which are most of thousands."""
_TOLD: Final = ("failure",)
"""The events that are reported if a notice does not list any."""


def read_experiment(document: MappingNode, pipeline: str, step: str, found: SpecFindings) -> str:
    """Return the experiment of a step's runs. The default is `<pipeline>/<step>`."""
    stated = entries(document.get("mlflow")).get("experiment")
    if stated is None or not text(stated.value):
        return f"{pipeline}/{step}"
    return text(fill(stated.value, ReferenceScope(document, step), found)) or ""


def read_mlflow(node: Node | None, found: SpecFindings) -> MlflowSpec:
    """Return where records are stored. With `mlflow: false`, this is a store in the project."""
    if is_off(node):
        return MlflowSpec(PRIVATE_STORE)
    below = entries(node)

    def written(key: str) -> str | None:
        return text(below[key].value) if key in below else None

    tags = below["tags"].value if "tags" in below else None
    _needs_mapping(tags, "'mlflow.tags'", found)
    return MlflowSpec(
        written("tracking_uri"),
        written("artifact_location"),
        {key: spell(plain(entry.value)) for key, entry in entries(tags).items()},
    )


def is_off(node: Node | None) -> bool:
    """Return whether tracking is off: `mlflow: false`."""
    return isinstance(node, ScalarNode) and node.value is False


def read_engine(node: Node | None, found: SpecFindings) -> EngineSpec:
    """Return how a run is executed."""
    below = entries(node)

    def value(key: str) -> Node | None:
        return below[key].value if key in below else None

    patience = read_duration(value("patience"))
    return EngineSpec(
        workers=whole_number(value("workers")),
        executor=_read_executor(value("executor"), "'engine.executor'", found) or LOCAL,
        scheduler=text(value("scheduler")),
        keep_going=flag(value("keep_going"), default=False),
        resources=read_resources(value("resources"), "'engine.resources'", found),
        patience=PATIENCE if patience is None else patience,
        cluster=_read_cluster(value("cluster"), found),
        env=_read_env(value("env")),
        limits_memory=flag(value("limit_memory"), default=False),
    )


def read_step_engine(node: Node | None, step: str, found: SpecFindings) -> StepEngine:
    """Return how one step is executed."""
    if node is None:
        return _STEP_ENGINE
    below = entries(node)
    executor = below["executor"].value if "executor" in below else None
    env = below["env"].value if "env" in below else None
    limits = below["limit_memory"].value if "limit_memory" in below else None
    return StepEngine(
        _read_executor(executor, f"'engine.executor' of step {quote(step)}", found),
        _read_env(env),
        None if limits is None else flag(limits, default=False),
    )


def _read_executor(node: Node | None, subject: str, found: SpecFindings) -> str | None:
    """Return an executor. The schema has checked it, unless it comes from a reference."""
    written = text(node)
    if written is None or node is None or is_open(node) or written in EXECUTORS:
        return None if node is not None and is_open(node) else written
    found.error(
        "bad-value",
        f"{subject} is {shown(written)}, but must be {' or '.join(map(quote, EXECUTORS))}",
        set_at(node),
    )
    return None


def _read_cluster(node: Node | None, found: SpecFindings) -> ClusterSpec:
    """Return a cluster: an address, or a class with the arguments with which it is called."""
    if (address := text(node)) is not None:
        return ClusterSpec(address)
    stated = {key: entry.value for key, entry in entries(node).items()}
    if not stated:
        return ClusterSpec()
    call, adapt = text(stated.pop("class", None)), stated.pop("adapt", None)
    _needs_mapping(adapt, "'engine.cluster.adapt'", found)
    return ClusterSpec(
        call=call or ClusterSpec().call,
        arguments={name: plain(value) for name, value in stated.items()},
        adapt=None if adapt is None else {name: plain(entry.value) for name, entry in entries(adapt).items()},
    )


def _read_env(node: Node | None) -> Mapping[str, str]:
    """Return environment variables. Values are the texts in the file."""
    return {name: spell(plain(entry.value)) for name, entry in entries(node).items()}


def read_resources(node: Node | None, subject: str, found: SpecFindings) -> Mapping[str, int]:
    """Return amounts by name, leaving out invalid ones. `subject` is the beginning of a message."""
    _needs_mapping(node, subject, found)
    amounts = {name: read_amount(name, entry.value) for name, entry in entries(node).items()}
    return {name: amount for name, amount in amounts.items() if amount is not None}


def _needs_mapping(node: Node | None, subject: str, found: SpecFindings) -> None:
    """Report a reference that should resolve to a mapping but resolved to text."""
    if node is not None and is_open(node):
        message = f"{subject} is {shown(text(node))}, which is text, not a mapping"
        found.error("wrong-kind", message, set_at(node))


def read_notify(node: Node | None, places: Places, found: SpecFindings) -> tuple[Notice, ...]:
    """Return who is notified."""
    return tuple(
        _notice(below, below["url"].value, places, found)
        for item in items(node)
        if "url" in (below := entries(item))
    )


def _notice(below: Mapping[str, Entry], url: Node, places: Places, found: SpecFindings) -> Notice:
    on = below["on"].value if "on" in below else None
    written = below["template"].value if "template" in below else None
    template = (
        locate_template(written, "'notify'", places, found)
        if isinstance(written, ScalarNode) and text(written)
        else None
    )
    ends = tuple(word for end in items(on) if (word := text(end)))
    return Notice(url, ends or _TOLD, url.span if on is None else set_at(on), template)
