"""A pipeline with its store open: what of it is planned, found and recorded.

Takes what was compiled; gives plans, and the one step, output or record that a user's words mean. Close it, or use
it in a `with` statement. Refuses words that mean nothing, or more than one thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pipespec.errors import UsageError
from pipespec.operations.compile import Compiled
from pipespec.operations.others import OtherPipelines
from pipespec.operations.planning import Planning
from pipespec.operations.stores import read_store
from pipespec.plan.model import Decision, Plan, Records, StepRecord
from pipespec.plan.selection import select
from pipespec.project.root import STATE_FOLDER
from pipespec.spec.model import PipelineSpec, StepSpec
from pipespec.tracking.ledger import Ledger

if TYPE_CHECKING:
    from pipespec.operations.sweep import Sweep

__all__ = ["Session", "open_session"]


@dataclass(frozen=True, slots=True)
class Session:
    """A pipeline, or that of several points, and the ledger of its store."""

    source: Compiled | Sweep
    ledger: Ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ledger.close()

    @property
    def spec(self) -> PipelineSpec:
        """The pipeline as far as it is known without records."""
        return self.source.pipeline

    def planning(
        self,
        targets: Sequence[str] = (),
        *,
        force: Sequence[str] = (),
        verify: bool = False,
        records: Records | None = None,
    ) -> Planning:
        """Return what plans these steps, and plans them again as matrices become known.

        With `verify` the content of what is recorded is compared with its digests, too. `records` answer in place of
        the ledger.
        """
        records = records or self.ledger
        if verify:
            from pipespec.tracking.verification import VerifiedRecords  # noqa: PLC0415 - few ask for it

            records = VerifiedRecords(self.ledger, self.spec.root / STATE_FOLDER / "downloads")
        return Planning(
            self.source,
            self.ledger,
            records,
            targets=targets,
            forced=force,
            read_results=OtherPipelines.of(self.spec).results,
        )

    def plan(self, *targets: str) -> Plan:
        """Decide these steps and all that they need; raises as `Planning.plan`."""
        return self.planning(targets).plan()

    def step(self, pattern: str) -> StepSpec:
        """Return the one step that a pattern means; a variant that only records tell of, too.

        Raises:
            UsageError: where it means none, or several.
        """
        spec, found = self.spec, select(self.spec, (pattern,))
        if any(spec.steps[step].deferred for step in found):
            spec = self.plan(pattern).pipeline
            found = select(spec, (pattern,))
        if len(found) > 1:
            raise UsageError(
                f"'{pattern}' means {len(found)} steps, among them '{found[0]}' and '{found[1]}'; name one"
            )
        return spec.steps[found[0]]

    def output(self, reference: str) -> tuple[StepSpec, str]:
        """Split `step.output`; a step with one output may be named alone.

        Raises:
            UsageError: where there is no such step or output.
        """
        pattern, dot, name = reference.rpartition(".")
        step = self.step(pattern if dot else reference)
        if not dot and len(step.outputs) == 1:
            return step, next(iter(step.outputs))
        if name not in step.outputs:
            known = ", ".join(f"'{step.id}.{each}'" for each in step.outputs) or "none"
            raise UsageError(f"'{reference}' is no output; step '{step.id}' has {known}")
        return step, name

    def decision(self, step: StepSpec) -> Decision:
        """Return what a run would do with a step."""
        return self.plan(step.id).decisions[step.id]

    def record(self, step: StepSpec) -> StepRecord:
        """Return the complete run of a step.

        Raises:
            UsageError: where it has none, with the command that makes one.
        """
        record = self.decision(step).record
        if record is None:
            raise UsageError(
                f"step '{step.id}' is not complete; 'pipespec run {self.source.name} {step.id}' makes it so"
            )
        return record


def open_session(source: Compiled | Sweep) -> Session:
    """Open the store of a pipeline for reading.

    Raises:
        StoreUnavailableError: where it cannot be asked.
    """
    return Session(source, read_store(source.pipeline))
