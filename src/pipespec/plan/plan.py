"""The values of planning: facts about the world, decisions with their reasons, the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from pipespec.display import Displayed
from pipespec.document.nodes import JSON
from pipespec.errors import Span
from pipespec.frozen_values import frozen
from pipespec.plan.records import OtherResult, OutputRecord, StepKey, StepRecord
from pipespec.plan.witness import BrokenWitness
from pipespec.python.identity.code_facts import CodeFacts
from pipespec.spec.contracts.data_schema import DataSchema
from pipespec.spec.pipeline_spec import PipelineInput, PipelineSpec, StepSpec
from pipespec.spec.registered_models import ModelInput

__all__ = [
    "Action",
    "Decision",
    "Facts",
    "Plan",
    "Reason",
    "ReasonKind",
]


@frozen
class Facts:
    """The facts on which a pipeline depends at one moment. They are collected beforehand, so that planning is pure.

    `code` is keyed by `str(CallableRef)`, `files` by the path or pattern of an external input (digest, bytes, files),
    `probes` by step id, `packages` by distribution name (None if it is not installed), `results` by the reference to
    another pipeline's output or to a registered model. `sources` has the bytes of each of `CodeFacts.files` as they
    were parsed: a run executes exactly those. `schemas` has the content of the schemas of inputs and outputs, by their
    paths.
    """

    code: Mapping[str, CodeFacts]
    files: Mapping[str, OutputRecord]
    probes: Mapping[str, JSON] = field(default_factory=dict)
    packages: Mapping[str, str | None] = field(default_factory=dict)
    results: Mapping[PipelineInput | ModelInput, OtherResult] = field(default_factory=dict)
    sources: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    schemas: Mapping[str, DataSchema] = field(default_factory=dict, repr=False)


class Action(StrEnum):
    """What will happen to a step. WAIT: an input's content is not known yet, so it may run or be reused."""

    RUN = "run"
    REUSE = "reuse"
    WAIT = "wait"


class ReasonKind(StrEnum):
    """Why a step is decided as it is. Scripts depend on these words.

    CHECK_FAILED: a reused step counts as failed. BLOCKED: it depends on such a step, so a run does not reach it.
    ACCEPTED: it is complete because a user said that the run counts. WITNESS: what the run with its key used in
    addition to that key has changed.
    """

    COMPLETE = "complete"
    ACCEPTED = "accepted"
    NEVER_RAN = "never-ran"
    CHANGED = "changed"
    FORCED = "forced"
    NO_IDENTITY = "no-identity"
    UPSTREAM = "upstream"
    LOST = "artifact-lost"
    WITNESS = "witness"
    DELETED = "run-deleted"
    CHECK_FAILED = "check-failed"
    SAME_KEY = "same-key"
    BLOCKED = "blocked"


@frozen
class Reason:
    """One cause of a decision. `detail` is a short phrase, `span` the line that caused it."""

    kind: ReasonKind
    detail: str
    span: Span | None = None


@frozen
class Decision:
    """What happens to one step, and why. A reused step has a key and a record.

    `same_as` is the id of an earlier step of the plan that has the same key and runs: this step starts after that one
    and is then decided again, which finds the record.
    """

    step: StepSpec
    action: Action
    reasons: tuple[Reason, ...]
    key: StepKey | None = None
    record: StepRecord | None = None
    same_as: str | None = None
    broken: BrokenWitness | None = None
    """What happened to the complete run that has its key and does not count."""

    @property
    def check_failures(self) -> tuple[Reason, ...]:
        """The bounds that the recorded metrics of a reused step miss. If there are any, the step counts as failed."""
        return tuple(reason for reason in self.reasons if reason.kind is ReasonKind.CHECK_FAILED)


@frozen
class Plan(Displayed):
    """Decisions by step id, in topological order, for the selected steps and all that they need.

    `forced` are the ids that run whatever the records say. `history` maps declared names to the durations of past runs
    in seconds, the newest first, for steps that are not reused; it is empty if it was not requested.
    """

    pipeline: PipelineSpec
    facts: Facts
    decisions: Mapping[str, Decision]
    forced: frozenset[str] = frozenset()
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True if nothing has to run and no reused step fails its checks."""
        return all(
            decision.action is Action.REUSE and not decision.check_failures
            for decision in self.decisions.values()
        )
