"""Read external results as inputs: `{pipeline: train.yaml, output: fit.model}`, `{model: news-classifier@champion}`.

Takes the steps that read them. Returns what the complete records of other pipelines contain, and where it is; for
registered models, what `registered_inputs` finds. The other pipeline is planned as it is now and never run from here.
Refuses results that are not complete, with the command that produces them, circles of pipelines, and files outside of
the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path

from pipespec.engine.remedies import VERIFY, command_making
from pipespec.errors import PipespecError, StoreUnavailableError, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.compile_file import compile_file
from pipespec.operations.planning.open_store import read_store, store_uri
from pipespec.operations.planning.plan_waves import Planning, Result
from pipespec.plan.plan import Plan
from pipespec.plan.records import OtherResult, OutputRecord, RecordedModel, StepRecord
from pipespec.plan.step_selection import select
from pipespec.spec.pipeline_spec import PipelineInput, PipelineSpec, StepSpec
from pipespec.spec.registered_models import ModelInput
from pipespec.state_folder import StateFolder
from pipespec.step.step_job import Artifact
from pipespec.tracking.artifacts import localise
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.tracking.run_facts import finished_record

__all__ = ["OutsideResults"]


@frozen
class OutsideResults:
    """What one pipeline reads from other pipelines.

    `chain` are the files that led to it, itself last, with symbolic links resolved. `models` are used instead of what the
    registry says, by the text of an input.
    """

    spec: PipelineSpec
    ledger: Ledger
    """The URI of the pipeline's own store."""
    chain: tuple[str, ...]
    models: Mapping[str, RecordedModel] = field(default_factory=dict)

    @classmethod
    def of(
        cls, spec: PipelineSpec, ledger: Ledger, models: Mapping[str, RecordedModel] | None = None
    ) -> OutsideResults:
        """Start with a pipeline that is not read by another."""
        return cls(spec, ledger, (os.path.realpath(spec.file),), models or {})

    def results(self, steps: Iterable[StepSpec]) -> Mapping[PipelineInput | ModelInput, Result]:
        """Return what these steps read from other pipelines, each of which is planned once, and from registered models.

        Raises:
            PipespecError: if a result is not complete.
            UsageError: for a circle, a file outside of the project, and outputs that do not exist.
            InvalidPipelineError: if another pipeline has mistakes.
            StoreUnavailableError: if its records cannot be read.
        """
        wanted: dict[tuple[str, tuple[str, ...]], list[PipelineInput]] = {}
        models: dict[ModelInput, None] = {}
        for source in (declared.source for step in steps for declared in step.inputs.values()):
            if isinstance(source, PipelineInput):
                wanted.setdefault((source.path, source.overlays), []).append(source)
            elif isinstance(source, ModelInput):
                models[source] = None
        known = {source: self.models[source.text] for source in models if source.text in self.models}
        found: dict[PipelineInput | ModelInput, Result] = {
            source: _recorded(model) for source, model in known.items()
        }
        for sources in wanted.values():
            found |= self._of_pipeline(tuple(dict.fromkeys(sources)))
        if unknown := [source for source in models if source not in known]:
            from pipespec.operations.planning.registered_inputs import model_results  # noqa: PLC0415 - few have models

            found.update(model_results(unknown, self.spec, self.ledger).items())
        return found

    def _of_pipeline(self, sources: tuple[PipelineInput, ...]) -> Mapping[PipelineInput | ModelInput, Result]:
        path, overlays = sources[0].path, sources[0].overlays
        real = os.path.realpath(path)
        self._require_readable(real, sources[0])
        compiled = compile_file(
            os.path.relpath(path), overlays=[os.path.relpath(one) for one in overlays], trusted=True
        )
        spec = compiled.checked()
        with read_store(spec) as ledger:
            others = OutsideResults(spec, ledger, (*self.chain, real))
            found: dict[PipelineInput | ModelInput, Result] = {
                source: self._latest(spec, source, ledger) for source in sources if source.latest
            }
            current = [source for source in sources if not source.latest]
            if current:
                targets = tuple(dict.fromkeys(source.step for source in current))
                plan = Planning(compiled, ledger, ledger, targets=targets, read_results=others.results).plan()
                for source in current:
                    step, record = _record(plan, source)
                    found[source] = self._result(step, record, source, ledger.tracking_uri)
            return found

    def _require_readable(self, real: str, source: PipelineInput) -> None:
        if not Path(real).is_relative_to(os.path.realpath(self.spec.root)):
            raise UsageError(f"pipeline '{source.text}' is outside of the project")
        if real in self.chain:
            circle = (*self.chain[self.chain.index(real) :], real)
            shown = " -> ".join(os.path.relpath(file) for file in circle)
            raise UsageError(f"pipelines read each other in a circle: {shown}")

    def _latest(self, spec: PipelineSpec, source: PipelineInput, ledger: Ledger) -> Result:
        """Return what the last finished run of a step produced, whatever the pipeline contains now."""
        chosen = _chosen(spec, source)
        if spec.steps[chosen].deferred:
            raise UsageError(
                f"'{source.step}' of pipeline '{source.text}' has a matrix over an output, of which no 'latest' run is known"
            )
        step = spec.steps[chosen]
        last = ledger.attempts((chosen,), spec.name, finished=True).get(chosen)
        facts = None if last is None else ledger.run(last.run_id)
        record = None if facts is None else finished_record(facts)
        if record is None:
            raise PipespecError(
                f"step '{chosen}' of pipeline '{source.text}' never finished; run it with: {command_making(source, chosen)}"
            )
        return self._result(step, record, source, ledger.tracking_uri)

    def _result(self, step: StepSpec, record: StepRecord, source: PipelineInput, tracking_uri: str) -> Result:
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
        is_model = name in step.outputs and step.outputs[name].model is not None
        artifact = replace(recorded_artifact(record, name), is_model=is_model)
        found = OtherResult(record.outputs[name], step.id, name, record.run_id, record.ended)
        try:
            return Result(found, self._within_reach(artifact, tracking_uri))
        except StoreUnavailableError:
            raise
        except PipespecError as error:
            command = command_making(source, step.id, VERIFY)
            raise PipespecError(f"{error}; make it again with: {command}") from None

    def _within_reach(self, artifact: Artifact, tracking_uri: str) -> Artifact:
        """Return an artifact that a run can read.

        A run reads only from its own store, so an artifact in another store is fetched now.
        """
        if tracking_uri == store_uri(self.spec.mlflow.tracking_uri, self.spec.root):
            return artifact
        local = localise(artifact, StateFolder.of(self.spec.root).downloads, tracking_uri)
        return replace(local, name=artifact.name, is_model=artifact.is_model)


def _recorded(model: RecordedModel) -> Result:
    told = OtherResult(
        OutputRecord(model.digest, 0, 0, model.name),
        model.step,
        model.output,
        model.run_id,
        model=model.name,
        version=model.version,
    )
    return Result(told, Artifact(f"{model.folder}/", model.digest, model.name, is_model=True))


def _chosen(spec: PipelineSpec, source: PipelineInput) -> str:
    """Return the single step that a source means."""
    chosen = select(spec, (source.step,))
    if not chosen:
        raise UsageError(f"'{source.step}' of pipeline '{source.text}' has no variants: its matrix is empty")
    if len(chosen) > 1:
        raise UsageError(
            f"'{source.step}' means {len(chosen)} steps of pipeline '{source.text}', among them '{chosen[0]}'; choose one"
        )
    return chosen[0]


def _record(plan: Plan, source: PipelineInput) -> tuple[StepSpec, StepRecord]:
    decision = plan.decisions[_chosen(plan.pipeline, source)]
    if decision.record is None or decision.check_failures:
        # A recorded result that misses its bounds stays as it is unless the step is forced.
        forced = ("--force", decision.step.id) if decision.check_failures else ()
        command = command_making(source, decision.step.id, *forced)
        why = "fails its checks" if decision.check_failures else "is not complete"
        raise PipespecError(
            f"step '{decision.step.id}' of pipeline '{source.text}' {why}; run it with: {command}"
        )
    return decision.step, decision.record
