"""From a decided step and the records above it to the `StepJob` that a worker gets: paths and digests, no questions left.

Takes values, and two small edges: where external inputs are now, and the manifest of an earlier run. Secrets stay
references; the worker fills them in. What a job says of content is what was planned: a worker that finds
something else fails the step rather than recording it under the planned key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeAlias

from pipespec.document.nodes import plain
from pipespec.plan.model import Facts, StepKey, StepRecord
from pipespec.spec.model import (
    CallableRef,
    DirInput,
    FileInput,
    FilesInput,
    InputSpec,
    OutputSpec,
    PipelineInput,
    PipelineSpec,
    StepInput,
    StepSpec,
    Variant,
)
from pipespec.step.model import Artifact, InputJob, OutputJob, StepJob
from pipespec.tracking.artifacts import location

__all__ = ["ExternalInput", "ExternalInputs", "JobPlace", "PartDigests", "job_for", "result_path"]

ExternalInput: TypeAlias = FileInput | DirInput | FilesInput | PipelineInput


class ExternalInputs(Protocol):
    """Where content from outside of the pipeline is."""

    def artifacts(self, source: ExternalInput) -> tuple[Artifact, ...]:
        """Return where it is, of a glob one for each file in order, with the digests that were planned.

        Raises:
            PipespecError: where it is gone, or not what was planned any more.
        """


class PartDigests(Protocol):
    """What earlier runs recorded of single files in directory outputs."""

    def digest_of_part(self, record: StepRecord, output: str, part: str) -> str | None:
        """Return sha256 of one file, or None where the record does not say.

        Raises:
            StoreUnavailableError: where the record cannot be asked.
        """


@dataclass(frozen=True, slots=True)
class JobPlace:
    """Where one execution happens: its MLflow run, its private folder, its log."""

    tracking_uri: str
    run_id: str
    experiment_id: str
    artifact_uri: str
    staging: Path
    log: Path
    downloads: Path
    secrets: tuple[str, ...] = ()


def job_for(
    step: StepSpec,
    pipeline: PipelineSpec,
    facts: Facts,
    *,
    key: StepKey | None,
    upstream: Mapping[str, StepRecord],
    external: ExternalInputs,
    parts: PartDigests,
    place: JobPlace,
) -> StepJob:
    """Say everything that one execution of a step needs.

    `upstream` has by step id the record of each step that an input reads.

    Raises:
        PipespecError: where an external input is not what was planned any more.
        StoreUnavailableError: where an earlier record cannot be asked.
    """
    code = facts.code[str(step.call)]
    return StepJob(
        step=step.id,
        call=str(step.call),
        module_folders=tuple(map(str, pipeline.module_folders)),
        root=str(pipeline.root),
        staging=str(place.staging),
        log=str(place.log),
        inputs=tuple(_input(spec, pipeline, upstream, external, parts) for spec in step.inputs.values()),
        params={name: plain(node) for name, node in step.params.items()},
        outputs=tuple(_output(spec) for spec in step.outputs.values()),
        metrics=None if step.metrics is None else (step.metrics.output, step.metrics.part),
        seed=0 if key is None else int(key.hex[:8], 16),
        code_digest=code.digest,
        code_files={file: facts.sources[file] for file in code.files if file in facts.sources},
        tracking_uri=place.tracking_uri,
        run_id=place.run_id,
        experiment_id=place.experiment_id,
        artifact_uri=place.artifact_uri,
        secrets=place.secrets,
        downloads=str(place.downloads),
    )


def result_path(staging: str) -> Path:
    """Return where the result record of a job with this staging folder is."""
    return Path(staging) / "result"


def _input(
    spec: InputSpec,
    pipeline: PipelineSpec,
    upstream: Mapping[str, StepRecord],
    external: ExternalInputs,
    parts: PartDigests,
) -> InputJob:
    points: tuple[Variant, ...] = ()
    match spec.source:
        case StepInput() as source:
            kind = "fan_in" if source.fan_in else "one"
            artifacts = tuple(_of_step(upstream[producer], source, parts) for producer in source.producers)
            if source.fan_in:
                points = tuple(_open_axes(pipeline.steps[id_], source) for id_ in source.producers)
        case FilesInput() as outside:
            kind, artifacts = "files", external.artifacts(outside)
        case FileInput() | DirInput() | PipelineInput() as outside:
            kind, artifacts = "one", external.artifacts(outside)
    call = str(spec.load) if isinstance(spec.load, CallableRef) else None
    load = None if isinstance(spec.load, CallableRef) else spec.load
    return InputJob(spec.argument, kind, artifacts, points=points, load=load, load_call=call)


def _of_step(record: StepRecord, source: StepInput, parts: PartDigests) -> Artifact:
    assert source.output is not None  # checks see to it
    output = record.outputs[source.output]
    if source.part is None:
        place = location(record.artifact_uri, output.file)
        return Artifact(place, output.digest, PurePosixPath(output.file).name)
    place = location(record.artifact_uri, output.file + source.part)
    digest = parts.digest_of_part(record, source.output, source.part)
    return Artifact(place, digest, PurePosixPath(source.part).name)


def _open_axes(producer: StepSpec, source: StepInput) -> Variant:
    fixed = {axis for axis, _ in source.selection}
    return tuple(point for point in producer.variant if point[0] not in fixed)


def _output(spec: OutputSpec) -> OutputJob:
    if isinstance(spec.save, CallableRef):
        return OutputJob(spec.name, spec.file, save_call=str(spec.save))
    return OutputJob(spec.name, spec.file, save=spec.save)
