"""External inputs as a run uses them: where they are on this machine, with the digests that were planned.

Takes the records that the plan was made with. What is not that content any more is refused before a step reads
it; what is at a URI is brought here first, by the file system that the plan asked.
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
from pipespec.project.remote_inputs import fetch_remote
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineInput
from pipespec.spec.registered_models import ModelInput
from pipespec.state_folder import StateFolder
from pipespec.step.step_job import Artifact

__all__ = ["PlannedInputs"]


@frozen
class PlannedInputs:
    """The external inputs of one plan.

    `files` is `Facts.files`; `results` says where each output of another pipeline, and each model, is. Both may grow when the run is
    planned on.
    """

    root: Path
    files: Mapping[str, OutputRecord]
    results: Mapping[PipelineInput | ModelInput, Artifact]

    def artifacts(
        self, source: FileInput | DirInput | FilesInput | PipelineInput | ModelInput
    ) -> tuple[Artifact, ...]:
        """Return where the content is, of a glob one artifact for each file, sorted.

        Raises:
            UsageError: where it is gone, or not what was planned any more.
        """
        if isinstance(source, PipelineInput | ModelInput):
            return (self.results[source],)
        location = source.pattern if isinstance(source, FilesInput) else source.path
        if is_remote(location):
            return self._remote(source, location)
        if isinstance(source, FilesInput):
            return self._matching(source)
        # A file or folder is checked against its digest when it is read.
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
        with DigestMemory(self.root) as memory:
            self._require_unchanged(source, memory)
        folder = StateFolder.of(self.root).made().downloads / self.files[location].digest
        places = fetch_remote(source, folder)
        if isinstance(source, DirInput):
            return (Artifact(f"{folder}/", None, folder.name),)
        return tuple(Artifact(str(place), None, place.name) for place in places)

    def _require_unchanged(self, source: FileInput | DirInput | FilesInput, memory: DigestMemory) -> None:
        location = source.pattern if isinstance(source, FilesInput) else source.path
        if digest_input(source, memory).digest != self.files[location].digest:
            raise UsageError(f"'{source.text}' changed during the run; run again to use the new version")
