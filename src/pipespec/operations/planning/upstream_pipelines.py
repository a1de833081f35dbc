"""Results of other pipelines, read as inputs: `{pipeline: train.yaml, output: fit.model}`.

Takes the steps that read them; gives what the complete records of the other pipelines say, and where it is. Such a
pipeline is planned as it is now and never run from here. Refuses what is not complete, with the command that
makes it, circles of pipelines, and files outside of the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pipespec.engine.remedies import VERIFY, command_making
from pipespec.errors import PipespecError, StoreUnavailableError, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.compile_file import compile_file
from pipespec.operations.planning.open_store import read_store, store_uri
from pipespec.operations.planning.plan_waves import Planning, Result
from pipespec.plan.plan import Plan
from pipespec.plan.records import OtherResult, StepRecord
from pipespec.plan.step_selection import select
from pipespec.spec.pipeline_spec import PipelineInput, PipelineSpec, StepSpec
from pipespec.state_folder import StateFolder
from pipespec.step.step_job import Artifact
from pipespec.tracking.artifacts import localise
from pipespec.tracking.record_artifacts import recorded_artifact

__all__ = ["OtherPipelines"]


@frozen
class OtherPipelines:
    """What one pipeline reads of others; `chain` are the files that led to it, itself last, links followed."""

    spec: PipelineSpec
    chain: tuple[str, ...]

    @classmethod
    def of(cls, spec: PipelineSpec) -> OtherPipelines:
        """Begin with a pipeline that nobody reads."""
        return cls(spec, (os.path.realpath(spec.file),))

    def results(self, steps: Iterable[StepSpec]) -> Mapping[PipelineInput, Result]:
        """Return what these steps read of other pipelines; each pipeline is planned once.

        Raises:
            PipespecError: where a result is not complete.
            UsageError: for a circle, a file outside of the project, and outputs that are not there.
            InvalidPipelineError: where another pipeline has mistakes.
            StoreUnavailableError: where its records cannot be asked.
        """
        wanted: dict[str, list[PipelineInput]] = {}
        for source in (declared.source for step in steps for declared in step.inputs.values()):
            if isinstance(source, PipelineInput):
                wanted.setdefault(source.path, []).append(source)
        found: dict[PipelineInput, Result] = {}
        for path, sources in wanted.items():
            found |= self._of_pipeline(path, tuple(dict.fromkeys(sources)))
        return found

    def _of_pipeline(self, path: str, sources: tuple[PipelineInput, ...]) -> Mapping[PipelineInput, Result]:
        real = os.path.realpath(path)
        self._require_readable(real, sources[0])
        compiled = compile_file(os.path.relpath(path), trusted=True)
        spec = compiled.checked()
        others = OtherPipelines(spec, (*self.chain, real))
        with read_store(spec) as ledger:
            targets = tuple(dict.fromkeys(source.step for source in sources))
            plan = Planning(compiled, ledger, ledger, targets=targets, read_results=others.results).plan()
            return {source: self._result(plan, source, ledger.tracking_uri) for source in sources}

    def _require_readable(self, real: str, source: PipelineInput) -> None:
        if not Path(real).is_relative_to(os.path.realpath(self.spec.root)):
            raise UsageError(f"pipeline '{source.text}' is outside of the project")
        if real in self.chain:
            circle = (*self.chain[self.chain.index(real) :], real)
            shown = " -> ".join(os.path.relpath(file) for file in circle)
            raise UsageError(f"pipelines read each other in a circle: {shown}")

    def _result(self, plan: Plan, source: PipelineInput, tracking_uri: str) -> Result:
        step, record = _record(plan, source)
        if source.output is None and len(step.outputs) != 1:
            raise UsageError(
                f"step '{step.id}' of pipeline '{source.text}' does not have exactly one output; choose one"
            )
        name = source.output if source.output is not None else next(iter(step.outputs))
        if name not in record.outputs:
            known = ", ".join(f"'{step.id}.{each}'" for each in step.outputs) or "none"
            raise UsageError(
                f"'{step.id}.{name}' is not an output of pipeline '{source.text}'; that step has {known}"
            )
        artifact = recorded_artifact(record, name)
        found = OtherResult(record.outputs[name], step.id, name, record.run_id)
        try:
            return Result(found, self._within_reach(artifact, tracking_uri))
        except StoreUnavailableError:
            raise
        except PipespecError as error:
            command = command_making(source, step.id, VERIFY)
            raise PipespecError(f"{error}; make it again with: {command}") from None

    def _within_reach(self, artifact: Artifact, tracking_uri: str) -> Artifact:
        """Return an artifact that a run can read; it asks its own store, so that of another one is fetched now."""
        if tracking_uri == store_uri(self.spec.mlflow.tracking_uri, self.spec.root):
            return artifact
        local = localise(artifact, StateFolder.of(self.spec.root).downloads, tracking_uri)
        return replace(local, name=artifact.name)


def _record(plan: Plan, source: PipelineInput) -> tuple[StepSpec, StepRecord]:
    chosen = select(plan.pipeline, (source.step,))
    if not chosen:
        raise UsageError(f"'{source.step}' of pipeline '{source.text}' has no variants: its matrix is empty")
    if len(chosen) > 1:
        raise UsageError(
            f"'{source.step}' means {len(chosen)} steps of pipeline '{source.text}', among them '{chosen[0]}'; choose one"
        )
    decision = plan.decisions[chosen[0]]
    if decision.record is None or decision.check_failures:
        # What is recorded and misses its bounds stays so unless it is forced.
        forced = ("--force", decision.step.id) if decision.check_failures else ()
        command = command_making(source, decision.step.id, *forced)
        why = "fails its checks" if decision.check_failures else "is not complete"
        raise PipespecError(
            f"step '{decision.step.id}' of pipeline '{source.text}' {why}; run it with: {command}"
        )
    return decision.step, decision.record
