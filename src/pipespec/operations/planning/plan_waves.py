"""Plan a pipeline, and plan it again when matrices over outputs become known.

Takes what was compiled, a ledger and what the user requested. Returns plans. An output from which an axis takes its
values is read from a tag of its run or, if the list was too long for a tag, from its artifact. What was collected for a
plan is kept for the next one: a run uses exactly what it planned.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipespec.activity import busy
from pipespec.document.nodes import JSON
from pipespec.engine.remedies import VERIFY
from pipespec.errors import (
    AlteredContentError,
    InvalidPipelineError,
    PipespecError,
    StoreUnavailableError,
    UsageError,
)
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.pipeline_source import PipelineSource
from pipespec.operations.planning.gather_facts import gather_facts, with_more
from pipespec.plan.open_axes import AxisError, OpenAxis, axis_values, open_axes, reused_records
from pipespec.plan.plan import Facts, Plan
from pipespec.plan.planner import make_plan, needed
from pipespec.plan.records import OtherResult, OutputRecord, Records, StepRecord
from pipespec.spec.pipeline_spec import PipelineInput, PipelineSpec, StepSpec
from pipespec.spec.registered_models import ModelInput
from pipespec.state_folder import StateFolder
from pipespec.step.step_job import Artifact
from pipespec.tracking.artifacts import verified_path
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.tracking.record_names import values_tag

__all__ = ["Planning", "Result"]


@frozen
class Result:
    """An output of another pipeline, or a version of a model: which run created it, and where it is."""

    record: OtherResult
    artifact: Artifact


@dataclass(slots=True)
class Planning:
    """Plans one pipeline repeatedly.

    `records` is used instead of the ledger; it may also verify content. `read_results` is called for the outputs of
    other pipelines, and the models, that steps read. `files` and `results` grow with every plan.
    """

    source: PipelineSource
    ledger: Ledger
    records: Records
    targets: Sequence[str] = ()
    forced: Sequence[str] = ()
    read_results: Callable[[Iterable[StepSpec]], Mapping[PipelineInput | ModelInput, Result]] = lambda _: {}
    files: dict[str, OutputRecord] = field(default_factory=dict)
    results: dict[PipelineInput | ModelInput, Artifact] = field(default_factory=dict)
    _facts: Facts | None = None
    _known: set[str] = field(default_factory=set)
    _given_up: set[str] = field(default_factory=set)
    _last: Plan | None = None

    def plan(self) -> Plan:
        """Make a plan. If an axis comes from a complete step, its values are filled in.

        Raises:
            UsageError: as `make_plan` and `gather_facts`.
            AxisError: if the output of a complete step cannot be the values of an axis.
            StoreUnavailableError: if the records cannot be read.
        """
        plan = self._make()
        while self._fill(plan, reused_records(plan)):
            plan = self._make()
        return plan

    def next_wave(self, records: Mapping[str, StepRecord]) -> Plan | None:
        """Plan again with what these records of complete steps make known, or return None if it is nothing.

        Raises:
            AxisError: if that is not possible; the step is then left out of later plans.
            StoreUnavailableError: if the records cannot be read.
        """
        assert self._last is not None
        axes = tuple(open_axes(self._last, records, without=self._given_up))
        if not axes:
            return None
        try:
            self._fill(self._last, records)
            return self.plan()
        except AxisError as error:
            self._given_up.add(error.step)
            raise
        except UsageError as error:
            self._given_up.update(axis.step for axis in axes)
            raise axes[0].refused(f"so the step cannot be planned: {error}") from error

    def _make(self) -> Plan:
        spec = self.source.pipeline
        facts = self._gathered(spec, needed(spec, self.targets))
        with busy("looking for finished runs"):
            self._last = make_plan(spec, facts, self.records, targets=self.targets, forced=self.forced)
        return self._last

    def _gathered(self, spec: PipelineSpec, order: Iterable[str]) -> Facts:
        """Collect what is not known yet. Nothing is read twice, so that facts do not change during a run."""
        steps = [spec.steps[step_id] for step_id in order if step_id not in self._known]
        results = self.read_results(steps)
        more = gather_facts(
            spec, steps, self.source.modules, results={source: one.record for source, one in results.items()}
        )
        self._facts = more if self._facts is None else with_more(self._facts, more)
        self._known.update(step.id for step in steps)
        self.files.update(self._facts.files)
        for source, one in results.items():
            self.results.setdefault(source, one.artifact)  # as in the facts, the first value is used
        return self._facts

    def _fill(self, plan: Plan, records: Mapping[str, StepRecord]) -> bool:
        """Fill in values for all axes that are known, and return whether there were any."""
        axes: dict[str, list[OpenAxis]] = {}
        for axis in open_axes(plan, records, without=self._given_up):
            axes.setdefault(axis.step, []).append(axis)
        for step, known in axes.items():
            values = {axis.axis.written: self._values(axis) for axis in known}
            try:
                self.source = self.source.filled(step, values)
            except InvalidPipelineError as invalid:
                raise known[0].refused(
                    f"so the pipeline is invalid: {invalid.diagnostics[0].message}"
                ) from invalid
        return bool(axes)

    def _values(self, axis: OpenAxis) -> tuple[JSON, ...]:
        try:
            return axis_values(axis, self._text(axis))
        except (AxisError, StoreUnavailableError):
            raise
        except (PipespecError, OSError) as error:
            raise axis.refused(f"which cannot be read: {error}") from error

    def _text(self, axis: OpenAxis) -> str | bytes:
        output, part = axis.axis.source.output, axis.axis.source.part
        assert output is not None  # the checks ensure it
        facts = self.ledger.run(axis.record.run_id)
        told = None if facts is None or part is not None else facts.tags.get(values_tag(output))
        if told is not None:
            return told
        downloads = StateFolder.of(self.source.pipeline.root).downloads
        try:
            place = verified_path(recorded_artifact(axis.record, output), downloads, self.ledger.tracking_uri)
        except AlteredContentError as error:
            remedy = shlex.join(["pipespec", "run", self.source.name, axis.record.step, VERIFY])
            raise AlteredContentError(f"{error}; make it again with: {remedy}") from None
        return (place if part is None else place / part).read_bytes()
