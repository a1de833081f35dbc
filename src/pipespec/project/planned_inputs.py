"""External inputs as a run uses them: where they are on this machine, with the digests that were planned.

Takes the records with which the plan was made. If the content has changed since, it is refused before a step reads it.
Content at a URI is downloaded first, through the file system that the plan used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipespec.errors import UsageError
from pipespec.frozen_values import frozen
from pipespec.plan.records import OutputRecord
from pipespec.project.digest_memory import DigestMemory
from pipespec.project.input_digests import digest_input
from pipespec.project.input_presence import is_remote, matching_files
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineInput
from pipespec.spec.registered_models import ModelInput
from pipespec.state_folder import StateFolder
from pipespec.step.step_job import Artifact

__all__ = ["PlannedInputs"]


@frozen
class PlannedInputs:
    """The external inputs of one plan.

    `files` is `Facts.files`. `results` says where each output of another pipeline, and each model, is. Both may grow
    when planning continues during the run.
    """

    root: Path
    files: Mapping[str, OutputRecord]
    results: Mapping[PipelineInput | ModelInput, Artifact]

    def artifacts(
        self, source: FileInput | DirInput | FilesInput | PipelineInput | ModelInput
    ) -> tuple[Artifact, ...]:
        """Return where the content is; for a glob, one artifact for each file, sorted.

        Raises:
            UsageError: if it is missing, or has changed since it was planned.
        """
        if isinstance(source, PipelineInput | ModelInput):
            return (self.results[source],)
        location = source.pattern if isinstance(source, FilesInput) else source.path
        if is_remote(location):
            return self._remote(source, location)
        if isinstance(source, FilesInput):
            return self._matching(source)
        # The digest of a file or folder is checked when it is read.
        planned = self.files[location]
        slash = "/" if isinstance(source, DirInput) else ""
        return (Artifact(f"{location.rstrip('/')}{slash}", planned.digest, Path(location).name),)

    def _matching(self, source: FilesInput) -> tuple[Artifact, ...]:
        with DigestMemory(self.root) as memory:
            self._require_unchanged(source, memory)
            return tuple(
                Artifact(str(path), memory.digest(path)[0], path.name)
                for path in matching_files(source.pattern).values()
            )

    def _remote(self, source: FileInput | DirInput | FilesInput, location: str) -> tuple[Artifact, ...]:
        from pipespec.project.remote_inputs import fetch_remote  # noqa: PLC0415 - few pipelines have such inputs

        folder = fetch_remote(source, self.files[location].digest, StateFolder.of(self.root).made())
        if isinstance(source, DirInput):
            return (Artifact(f"{folder}/", None, location.rstrip("/").rpartition("/")[2]),)
        places = sorted(path for path in folder.rglob("*") if path.is_file())
        return tuple(Artifact(str(place), None, place.name) for place in places)

    def _require_unchanged(self, source: FileInput | DirInput | FilesInput, memory: DigestMemory) -> None:
        location = source.pattern if isinstance(source, FilesInput) else source.path
        if digest_input(source, memory).digest != self.files[location].digest:
            raise UsageError(f"'{source.text}' changed during the run; run again to use the new version")
