"""The values of planning: keys, records, decisions with their reasons, the plan.

`Records` is how planning asks the tracking store; it is the only thing here that may take time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pipespec.document.nodes import JSON
from pipespec.errors import Span
from pipespec.spec.model import PipelineInput, PipelineSpec, StepSpec

__all__ = [
    "Accepted",
    "Action",
    "Attempt",
    "CodeFacts",
    "CodePiece",
    "Decision",
    "Execution",
    "Facts",
    "OutputRecord",
    "Plan",
    "Reason",
    "ReasonKind",
    "Records",
    "RunReport",
    "StepKey",
    "StepRecord",
    "StepResult",
    "StepStarted",
    "StepState",
    "StepStatus",
]


@dataclass(frozen=True, slots=True)
class StepKey:
    """A step's identity: `hex` is 64 hex digits over `parts`, the canonical JSON that a manifest keeps."""

    hex: str
    parts: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """What a finished run says of one output: sha256 of its content, bytes in all, number of files.

    The digest of a directory is that of its sorted (relative name, file digest) pairs.
    """

    digest: str
    bytes: int
    files: int
    file: str
    """The artifact's name below the run's artifact folder; a directory ends with a slash."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """That somebody lets a run count for another key than its own; `when` is in POSIX seconds."""

    who: str
    why: str
    when: float


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A complete run of a step, as the store tells it; times are POSIX seconds."""

    run_id: str
    step: str
    """The id with its variant, as it was called then."""
    key: str
    outputs: Mapping[str, OutputRecord]
    generation: int
    started: float
    ended: float
    artifact_uri: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""
    accepted: Accepted | None = field(default=None, compare=False)
    """Where it answers for a key that is not its own: who says so. It is the same record all the same."""

    @property
    def seconds(self) -> float:
        """How long the step took, opening and closing its run included."""
        return self.ended - self.started


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run of a step in any state: what `status`, `logs` and waiting need. `status` is MLflow's word."""

    run_id: str
    step: str
    status: str
    key: str | None
    owner: str
    lease: str
    started: float
    ended: float | None
    artifact_uri: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""


class Records(Protocol):
    """What planning asks of the tracking store. All answers hold for runs that are not deleted."""

    def complete(self, keys: Collection[str]) -> Mapping[str, StepRecord]:
        """Return for each of these keys that has a complete run that run: one bulk read.

        FINISHED, tag `pipespec.key` equal, manifest there. Of several the highest generation counts, and in
        it the earliest to end. A local artifact that is gone or has another size makes a run incomplete.

        Raises:
            StoreUnavailableError: where it cannot be decided; never is that an empty answer.
        """

    def lost(self, keys: Collection[str]) -> Mapping[str, str]:
        """Return, of keys that `complete` left out because of their artifacts, what is gone or altered."""

    def finished_before(self, steps: Collection[str]) -> Collection[str]:
        """Return those of these declared step names that any complete run bears (of any variant)."""


@dataclass(frozen=True, slots=True)
class CodePiece:
    """A piece of counted code as it is written: statements of one module, in the order of the text.

    `file` is the module's absolute path, `line` where the first of them begins, counted from 1.
    """

    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What the syntax trees say of one callable's code.

    `digest` covers the function and everything of the project that it reaches. `counted` names that, sorted, each
    with the digest of its own canonical tree: `news.articles:fetch_ids`, `news.articles:fetch_ids annotations`
    (only of the callable itself), `news.text:clean`, `news.text:<import>` (what runs when the module is imported
    and belongs to no name), or a whole module `news.vocabulary`. `files` are the absolute paths of the project's
    modules that are imported with it; `imports` are the installed modules that those import at their top (what a
    worker may load beforehand). `package` is the distribution and version when the callable lives in an
    installed package. `notes` says what could not be read. `pieces` is the text of what is `counted`, by the same
    names; annotations have none of their own, since they stand in the text of their function.
    """

    digest: str
    counted: Mapping[str, str]
    files: tuple[str, ...]
    imports: tuple[str, ...] = ()
    package: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
    pieces: Mapping[str, CodePiece] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the world says about a pipeline at one moment; gathered at the edge, so that planning is pure.

    `code` is keyed by `str(CallableRef)`, `files` by the path or pattern of an external input (digest, bytes,
    files), `probes` by step id, `packages` by distribution name (None where it is not installed), `results` by
    the reference to another pipeline's output. `sources` has sha256 of the bytes of each of `CodeFacts.files` as they
    were read: a run refuses to start a step whose code is not that any more.
    """

    code: Mapping[str, CodeFacts]
    files: Mapping[str, OutputRecord]
    probes: Mapping[str, JSON] = field(default_factory=dict)
    packages: Mapping[str, str | None] = field(default_factory=dict)
    results: Mapping[PipelineInput, OutputRecord] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


class Action(StrEnum):
    """What will happen to a step. WAIT: an input's content is not known yet; it may run or be reused."""

    RUN = "run"
    REUSE = "reuse"
    WAIT = "wait"


class ReasonKind(StrEnum):
    """Why a step is decided as it is; scripts read these words.

    CHECK_FAILED: a reused step counts as failed. BLOCKED: it depends on such a step, so a run does not reach it.
    ACCEPTED: it is complete since somebody said that the run counts.
    """

    COMPLETE = "complete"
    ACCEPTED = "accepted"
    NEVER_RAN = "never-ran"
    CHANGED = "changed"
    FORCED = "forced"
    NO_IDENTITY = "no-identity"
    UPSTREAM = "upstream"
    LOST = "artifact-lost"
    CHECK_FAILED = "check-failed"
    SAME_KEY = "same-key"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause of a decision; `detail` is a short sentence part, `span` the line that brought it about."""

    kind: ReasonKind
    detail: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one step, and why. A reused step has a key and a record.

    `same_as` is the id of an earlier step of the plan that has the same key and runs: this step starts after
    that one and is then decided again, which finds the record.
    """

    step: StepSpec
    action: Action
    reasons: tuple[Reason, ...]
    key: StepKey | None = None
    record: StepRecord | None = None
    same_as: str | None = None

    @property
    def check_failures(self) -> tuple[Reason, ...]:
        """The bounds that the recorded metrics of a reused step miss; with any, the step counts as failed."""
        return tuple(reason for reason in self.reasons if reason.kind is ReasonKind.CHECK_FAILED)


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions by step id, in topological order, for the selected steps and all that they need.

    `forced` are the ids that run whatever the records say. `history` has by declared name the seconds of past
    runs, the newest first, of steps that are not reused; empty where nobody asked for it.
    """

    pipeline: PipelineSpec
    facts: Facts
    decisions: Mapping[str, Decision]
    forced: frozenset[str] = frozenset()
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True when nothing has to run and no reused step fails its checks."""
        return all(
            decision.action is Action.REUSE and not decision.check_failures
            for decision in self.decisions.values()
        )


class StepState(StrEnum):
    """How a step of a run ended; scripts read these words."""

    RAN = "ran"
    REUSED = "reused"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Execution:
    """One time that a step was executed: by which worker, from 0 on, and when, in seconds since the run began."""

    run_id: str
    worker: int
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of one step in a run; `error` is one line, `traceback` the user's frames, where it failed.

    `record` is what counts for the step now, there also where it misses its bounds. `executions` are all of this run,
    those that failed and were tried again included.
    """

    step: str
    state: StepState
    key: str | None = None
    run_id: str | None = None
    seconds: float | None = None
    error: str | None = None
    traceback: str = ""
    log: str | None = None
    """The local log file of an executed step."""
    record: StepRecord | None = None
    executions: tuple[Execution, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did; `invocation` is the MLflow run of the whole, None where nothing was executed.

    `interrupted_by` is the number of the signal that ended the run early. `plan` is the plan as it was carried out: what
    waited for content stands in it as it was decided at its turn.
    """

    invocation: str | None
    steps: tuple[StepResult, ...]
    seconds: float
    interrupted_by: int | None = None
    plan: Plan | None = field(default=None, repr=False)
    workers: int = 1

    @property
    def succeeded(self) -> bool:
        """True when every selected step is complete now."""
        return self.interrupted_by is None and all(
            result.state in (StepState.RAN, StepState.REUSED) for result in self.steps
        )


@dataclass(frozen=True, slots=True)
class StepStarted:
    """Told while a run goes on: a step began, in this MLflow run, with its log in this local file."""

    step: str
    run_id: str
    log: str
    attempt: int = 1
    """2 and more on a retry."""


@dataclass(frozen=True, slots=True)
class StepStatus:
    """The state of one step as its records tell it.

    `state` is `complete`, `stale` (it finished before, under another key), `missing`, `running` or `failed` (its last
    attempt). `ended` is in POSIX seconds, of the run that `run_id` names; None while it runs.
    """

    step: str
    state: str
    run_id: str | None = None
    started: float | None = None
    ended: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    experiment_id: str = ""
    """Of that run; its page in MLflow is found by both."""
    accepted: Accepted | None = None
    """Who said that the run counts, where it is complete by that."""

    @property
    def seconds(self) -> float | None:
        """How long that run took; None while it runs."""
        if self.started is None or self.ended is None:
            return None
        return max(self.ended - self.started, 0.0)
