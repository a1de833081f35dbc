"""The values of a comparison: a step as it is now, a past run of it, and one difference.

A `Change` names its part of the key, describes it in a phrase, and contains the line that set the new value. Two JSON
values are also compared here, in the same way as in a key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from pipespec.document.nodes import JSON, MappingNode, Node, set_at
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.plan.plan import Facts
from pipespec.plan.records import DeletedRun, StepRecord
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec

__all__ = ["Change", "Now", "Part", "PastRun", "declared_at", "differ", "mapping"]


class Part(StrEnum):
    """The part of a key to which a change belongs, or the witness. Scripts depend on these words."""

    NAME = "name"
    CALL = "call"
    CODE = "code"
    PARAM = "param"
    INPUT = "input"
    OUTPUT = "output"
    VERSION = "version"
    PACKAGE = "package"
    PROBE = "probe"
    IDENTITY = "identity"
    WITNESS = "witness"
    """What the past run used in addition to its key."""


@frozen
class Change:
    """One difference. `detail` describes it in a phrase, without the place.

    `old` and `new` are None if there is no such value; for code and content they are digests. `span` is the line of the
    document that sets the new value, `place` is `file:line` of changed code. `diff` is a unified diff of its text, or
    empty if one of both texts was not kept.
    """

    part: Part
    name: str
    detail: str
    old: JSON = None
    new: JSON = None
    span: Span | None = None
    place: str | None = None
    diff: str = ""


@frozen
class PastRun:
    """A complete run as recorded in the store. `manifest` is empty if it cannot be used.

    `key` is the run's own key. `accepted` are keys for which the run also counts, because a user accepted it. `ended`
    is in POSIX seconds, `seconds` is the duration of its step.
    """

    run_id: str
    step: str
    key: str
    generation: int
    seconds: float
    ended: float
    manifest: Mapping[str, JSON] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()

    @property
    def parts(self) -> Mapping[str, JSON]:
        """The parts of its key."""
        return mapping(self.manifest.get("parts"))


@frozen
class Now:
    """A step as it is planned: what is known about the parts of its key.

    `unknown` are the inputs whose content is not known yet. `open_params` are the params that axes will set and whose
    values are not known. `records` maps step ids to the run from which each known input is read. `deleted` maps ids of
    runs to runs that past runs read and that have been deleted since.
    """

    pipeline: PipelineSpec
    step: StepSpec
    facts: Facts
    parts: Mapping[str, JSON]
    unknown: frozenset[str] = frozenset()
    open_params: frozenset[str] = frozenset()
    records: Mapping[str, StepRecord] = field(default_factory=dict)
    deleted: Mapping[str, DeletedRun] = field(default_factory=dict)


def differ(one: object, other: object) -> bool:
    """Compare as a key does: `1`, `1.0`, `true` and `"1"` are four values."""
    return json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)


def mapping(value: JSON | Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Return a value if it is a mapping, otherwise an empty mapping. Users may have changed manifests in the store."""
    return value if isinstance(value, Mapping) else {}


def declared_at(now: Now, *keys: str) -> Span:
    """Return the place of a key in the step's identity, otherwise of the whole identity, otherwise of the step."""
    node: Node | None = now.pipeline.document
    for name in ("steps", now.step.name, "identity", *keys):
        node = node.get(name) if isinstance(node, MappingNode) else None
    return now.step.span if node is None else set_at(node)
