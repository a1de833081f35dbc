"""The values of a comparison: a step as it is now, a past run of it, and one thing that differs.

A `Change` names its part of the key, says what it is in a sentence part, and knows the line that brought the new
value about. How two JSON values are compared is here too, since that is what a key knows of them.
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
    """The part of a key that a change belongs to, or the witness; scripts read these words."""

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
    """What the past run touched beyond its key."""


@frozen
class Change:
    """One thing that differs. `detail` says it in a sentence part, without the place.

    `old` and `new` are None where there is no such thing; of code and content they are digests. `span` is the line
    of the document that sets the new value, `place` is `file:line` of changed code. `diff` is a unified diff of
    its text, empty where one of both texts is not kept.
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
    """A complete run as the store tells it; `manifest` is empty where it cannot be used.

    `key` is the run's own, `accepted` holds those that it counts for since somebody said so. `ended` is in POSIX
    seconds, `seconds` is its step's duration.
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
    """A step as it is planned: what is known of its key's parts.

    `unknown` are the inputs whose content is not known yet, and `open_params` the params that axes will bind whose
    values are not. `records` has by step id the run that each known input is read from, `deleted` by its id each run
    that past runs read and that is deleted by now.
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
    """Return a value that is a mapping, or an empty one: manifests are read from a store that hands can reach."""
    return value if isinstance(value, Mapping) else {}


def declared_at(now: Now, *keys: str) -> Span:
    """Return where the step's identity states a key, or the whole of it stands; else where the step does."""
    node: Node | None = now.pipeline.document
    for name in ("steps", now.step.name, "identity", *keys):
        node = node.get(name) if isinstance(node, MappingNode) else None
    return now.step.span if node is None else set_at(node)
