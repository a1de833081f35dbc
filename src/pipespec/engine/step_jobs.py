"""Create the `StepJob` of a worker from a decided step and the records upstream: paths and digests, no open questions.

Takes values, and two small functions: where external inputs are now, and the manifest of an earlier run. Secrets stay
references; the worker replaces them. A job describes content as it was planned: if a worker finds something else, it
fails the step instead of recording the result under the planned key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from pipespec.engine.random_seed import RandomSeed
from pipespec.frozen_values import frozen
from pipespec.plan.plan import Facts
from pipespec.plan.records import StepKey, StepRecord
from pipespec.python.callable_ref import CallableRef
from pipespec.spec.pipeline_spec import (
    CountedCode,
    DirInput,
    FileInput,
    FilesInput,
    InputSpec,
    OutputSpec,
    PipelineInput,
    PipelineSpec,
    StepInput,
    StepSpec,
)
from pipespec.spec.registered_models import ModelInput
from pipespec.spec.resource_amounts import MEMORY
from pipespec.spec.variant_names import Variant
from pipespec.step.step_job import Artifact, InputJob, ModelJob, OutputJob, StepJob
from pipespec.step.witness.witness_job import WitnessJob
from pipespec.tracking.artifacts import local_path
from pipespec.tracking.record_artifacts import recorded_artifact, recorded_part
from pipespec.tracking.tracking_uri import store_places

__all__ = [
    "ExternalInput",
    "ExternalInputs",
    "JobPlace",
    "PartDigests",
    "job_for",
    "planned_code",
]

ExternalInput: TypeAlias = FileInput | DirInput | FilesInput | PipelineInput | ModelInput


class ExternalInputs(Protocol):
    """Finds content from outside the pipeline."""

    def artifacts(self, source: ExternalInput) -> tuple[Artifact, ...]:
        """Return the place of an input, for a glob one for each file in order, with the planned digests.

        Raises:
            PipespecError: if it is gone, or is no longer as it was planned.
        """


class PartDigests(Protocol):
    """What earlier runs recorded about single files in directory outputs."""

    def digest_of_part(self, record: StepRecord, output: str, part: str) -> str | None:
        """Return the sha256 of one file, or None if it is not in the record.

        Raises:
            StoreUnavailableError: if the record cannot be read.
        """


@frozen
class JobPlace:
    """The place of one execution: its MLflow run, its private folder, its log."""

    tracking_uri: str
    run_id: str
    experiment_id: str
    artifact_uri: str
    staging: Path
    log: Path
    downloads: Path
    secrets: tuple[str, ...] = ()
    code_folder: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that the place sets for its processes, unless the pipeline sets them."""


def job_for(
    step: StepSpec,
    pipeline: PipelineSpec,
    facts: Facts,
    *,
    key: StepKey | None,
    seed: RandomSeed,
    upstream: Mapping[str, StepRecord],
    external: ExternalInputs,
    parts: PartDigests,
    place: JobPlace,
    code_files: Mapping[str, str],
) -> StepJob:
    """Return everything that one execution of a step needs.

    `upstream` maps step ids to the records of the steps that an input reads. `code_files` are the digests of
    `planned_code`.

    Raises:
        PipespecError: if an external input is no longer as it was planned.
        StoreUnavailableError: if an earlier record cannot be read.
    """
    code = facts.code[str(step.call)]
    inputs = tuple(_input(spec, pipeline, facts, upstream, external, parts) for spec in step.inputs.values())
    return StepJob(
        step=step.id,
        call=str(step.call),
        module_folders=tuple(map(str, pipeline.module_folders)),
        root=str(pipeline.root),
        staging=str(place.staging),
        log=str(place.log),
        inputs=inputs,
        params=step.param_values,
        outputs=tuple(_output(spec, facts) for spec in step.outputs.values()),
        metrics=None if step.metrics is None else (step.metrics.output, step.metrics.part),
        after=None if step.after is None else str(step.after),
        seed=seed.value,
        is_new_seed=seed.is_new,
        code_digest=code.digest,
        code_files=code_files,
        code_folder=place.code_folder,
        tracking_uri=place.tracking_uri,
        run_id=place.run_id,
        experiment_id=place.experiment_id,
        artifact_uri=place.artifact_uri,
        environment={**place.environment, **pipeline.engine.env, **step.engine.env},
        secrets=place.secrets,
        downloads=str(place.downloads),
        memory_limit=_memory_limit(step, pipeline),
        witness=None if key is None else _witness_job(step, pipeline, facts, inputs, place),
    )


def _memory_limit(step: StepSpec, pipeline: PipelineSpec) -> int | None:
    """Return how many bytes a process of the step may use: what it takes of the memory, where that is a limit."""
    is_limit = step.engine.limits_memory
    return (
        step.resources.get(MEMORY)
        if (pipeline.engine.limits_memory if is_limit is None else is_limit)
        else None
    )


def _witness_job(
    step: StepSpec, pipeline: PipelineSpec, facts: Facts, inputs: tuple[InputJob, ...], place: JobPlace
) -> WitnessJob:
    """Return what must be noted about the files and modules that a step uses."""
    known = [facts.code[str(ref)] for ref in step.counted if str(ref) in facts.code]
    by_modules = step.identity.code is CountedCode.MODULES
    covered = (local_path(artifact.location) for job in inputs for artifact in job.artifacts)
    return WitnessJob(
        root=str(pipeline.root),
        folders=tuple(dict.fromkeys(map(str, (pipeline.file.parent, *pipeline.module_folders)))),
        covered=tuple(str(path) for path in covered if path is not None),
        not_data=(
            str(place.staging),
            str(place.downloads),
            *store_places(
                place.tracking_uri,
                pipeline.root,
                place.artifact_uri,
                pipeline.mlflow.artifact_location or "",
            ),
        ),
        counted_files=() if by_modules else tuple(file for code in known for file in code.files),
        counted_names=() if by_modules else tuple(name for code in known for name in code.counted),
        untracked=step.identity.untracked,
        modules=step.identity.code is not CountedCode.NONE,
    )


def planned_code(step: StepSpec, facts: Facts) -> dict[str, bytes]:
    """Return the bytes of the modules of everything that a step calls, by their absolute files."""
    files = {file for ref in step.counted if str(ref) in facts.code for file in facts.code[str(ref)].files}
    return {file: facts.sources[file] for file in sorted(files) if file in facts.sources}


def _input(
    spec: InputSpec,
    pipeline: PipelineSpec,
    facts: Facts,
    upstream: Mapping[str, StepRecord],
    external: ExternalInputs,
    parts: PartDigests,
) -> InputJob:
    points: tuple[Variant, ...] = ()
    match spec.source:
        case StepInput() as source:
            kind = "fan_in" if source.fan_in else "one"
            artifacts = tuple(
                _of_step(pipeline.steps[producer], upstream[producer], source, parts)
                for producer in source.producers
            )
            if source.fan_in:
                points = tuple(_open_axes(pipeline.steps[id_], source) for id_ in source.producers)
        case FilesInput() as outside:
            kind, artifacts = "files", external.artifacts(outside)
        case FileInput() | DirInput() | PipelineInput() | ModelInput() as outside:
            kind, artifacts = "one", external.artifacts(outside)
    call = str(spec.load) if isinstance(spec.load, CallableRef) else None
    load = None if isinstance(spec.load, CallableRef) else spec.load
    schema = None if spec.schema is None else facts.schemas[spec.schema.path]
    return InputJob(spec.argument, kind, artifacts, points=points, load=load, load_call=call, schema=schema)


def _of_step(step: StepSpec, record: StepRecord, source: StepInput, parts: PartDigests) -> Artifact:
    assert source.output is not None  # guaranteed by the checks
    if source.part is None:
        is_model = step.outputs[source.output].model is not None
        return replace(recorded_artifact(record, source.output), is_model=is_model)
    digest = parts.digest_of_part(record, source.output, source.part)
    return recorded_part(record, source.output, source.part, digest)


def _open_axes(producer: StepSpec, source: StepInput) -> Variant:
    fixed = {axis for axis, _ in source.selection}
    return tuple(point for point in producer.variant if point[0] not in fixed)


def _output(spec: OutputSpec, facts: Facts) -> OutputJob:
    schema = None if spec.schema is None else facts.schemas[spec.schema.path]
    if isinstance(spec.save, CallableRef):
        return OutputJob(spec.name, spec.file, save_call=str(spec.save), schema=schema)
    model = None if spec.model is None else ModelJob(spec.model.flavor, spec.model.example)
    return OutputJob(spec.name, spec.file, save=spec.save, schema=schema, model=model)
