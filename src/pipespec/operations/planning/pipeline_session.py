"""A pipeline with its open store, for planning it, and for finding its steps and records.

Takes what was compiled. Returns plans, and the one step, output or record that a user's words mean. Close it, or use it
in a `with` statement. Refuses words that mean nothing, or more than one thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.planning.open_store import read_store
from pipespec.operations.planning.plan_waves import Planning
from pipespec.operations.planning.upstream_pipelines import OutsideResults
from pipespec.plan.plan import Decision, Plan
from pipespec.plan.records import RecordedModel, Records, StepRecord
from pipespec.plan.step_selection import select
from pipespec.spec.pipeline_spec import PipelineSpec, StepSpec
from pipespec.spec.step_graph import ancestors
from pipespec.state_folder import StateFolder
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import finished_record

__all__ = ["PipelineSession", "open_session"]


@frozen
class PipelineSession:
    """A pipeline, or that of several points, and the ledger of its store."""

    source: PipelineSource
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
        models: Mapping[str, RecordedModel] | None = None,
    ) -> Planning:
        """Return an object that plans these steps, and plans them again as matrices become known.

        With `verify`, the recorded content is also compared with its digests. `records` are used instead of the ledger.
        `models` are used instead of what the registry says, by the text of an input.
        """
        records = records or self.ledger
        if verify:
            from pipespec.tracking.reading.verification import VerifiedRecords  # noqa: PLC0415 - few need it

            records = VerifiedRecords(self.ledger, StateFolder.of(self.spec.root).downloads)
        return Planning(
            self.source,
            self.ledger,
            records,
            targets=targets,
            forced=force,
            read_results=OutsideResults.of(self.spec, self.ledger, models).results,
        )

    def plan(self, *targets: str) -> Plan:
        """Decide these steps and all that they need. Raises the same errors as `Planning.plan`."""
        return self.planning(targets).plan()

    def step(self, pattern: str) -> StepSpec:
        """Return the single step that a pattern means. It may be a variant that only records show.

        Raises:
            UsageError: if it means none, or several.
        """
        spec, found = self.spec, select(self.spec, (pattern,))
        if any(spec.steps[step].deferred for step in found):
            spec = self.plan(pattern).pipeline
            found = select(spec, (pattern,))
        if not found:
            raise UsageError(f"'{pattern}' means no step: its matrix is empty, so it has no variants")
        if len(found) > 1:
            raise UsageError(
                f"'{pattern}' matches {len(found)} steps, for example '{found[0]}' and '{found[1]}'; choose one"
            )
        return spec.steps[found[0]]

    def output(self, reference: str) -> tuple[StepSpec, str]:
        """Split `step.output`. For a step with one output, the step alone is sufficient.

        Raises:
            UsageError: if there is no such step or output.
        """
        pattern, dot, name = reference.rpartition(".")
        step = self.step(pattern if dot else reference)
        if not dot and len(step.outputs) == 1:
            return step, next(iter(step.outputs))
        if name not in step.outputs:
            known = ", ".join(f"'{step.id}.{each}'" for each in step.outputs) or "none"
            raise UsageError(f"'{reference}' is not an output; step '{step.id}' has {known}")
        return step, name

    def decision(self, step: StepSpec) -> Decision:
        """Return what a run would do with a step."""
        return self.plan(step.id).decisions[step.id]

    def record(self, step: StepSpec) -> StepRecord:
        """Return the complete run of a step; for a step that is never complete, its last finished run.

        A step without identity is never complete, and it is not known whether steps that read it are.

        Raises:
            UsageError: if it has none, with the command that creates one.
        """
        record = self.decision(step).record or self._last_finished(step)
        if record is None:
            raise UsageError(
                f"step '{step.id}' is not complete; run it with: pipespec run {self.source.name} {step.id}"
            )
        return record

    def _last_finished(self, step: StepSpec) -> StepRecord | None:
        above = ancestors(self.spec.upstream, (step.id,)) if step.id in self.spec.steps else frozenset()
        if not any(
            self.spec.steps[id_].identity.never for id_ in (*above, step.id) if id_ in self.spec.steps
        ):
            return None
        attempt = self.ledger.attempts((step.id,), self.spec.name, finished=True).get(step.id)
        facts = None if attempt is None else self.ledger.run(attempt.run_id)
        return None if facts is None else finished_record(facts)


def open_session(source: PipelineSource) -> PipelineSession:
    """Open the store of a pipeline for reading.

    Raises:
        StoreUnavailableError: if it cannot be read.
    """
    return PipelineSession(source, read_store(source.pipeline))
