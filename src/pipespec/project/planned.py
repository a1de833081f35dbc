"""External inputs as a run uses them: where they are on this machine, with the digests that were planned.

Takes the records that the plan was made with. What is not that content any more is refused before a step reads
it; what is at a URI is brought here first, by the file system that the plan asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipespec.errors import UsageError
from pipespec.plan.model import OutputRecord
from pipespec.project.inputs import DigestMemory, digest_input
from pipespec.project.presence import is_remote, matching_files
from pipespec.project.remote import fetch_remote
from pipespec.project.root import make_state_folder
from pipespec.spec.model import DirInput, FileInput, FilesInput, PipelineInput
from pipespec.step.model import Artifact

__all__ = ["PlannedInputs"]


@dataclass(frozen=True, slots=True)
class PlannedInputs:
    """The external inputs of one plan.

    `files` is `Facts.files`; `results` says where each output of another pipeline is. Both may grow when the run is
    planned on.
    """

    root: Path
    files: Mapping[str, OutputRecord]
    results: Mapping[PipelineInput, Artifact]

    def artifacts(self, source: FileInput | DirInput | FilesInput | PipelineInput) -> tuple[Artifact, ...]:
        """Return where the content is, of a glob one artifact for each file, sorted.

        Raises:
            UsageError: where it is gone, or not what was planned any more.
        """
        if isinstance(source, PipelineInput):
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
        folder = make_state_folder(self.root) / "downloads" / self.files[location].digest
        places = fetch_remote(source, folder)
        if isinstance(source, DirInput):
            return (Artifact(f"{folder}/", None, folder.name),)
        return tuple(Artifact(str(place), None, place.name) for place in places)

    def _require_unchanged(self, source: FileInput | DirInput | FilesInput, memory: DigestMemory) -> None:
        location = source.pattern if isinstance(source, FilesInput) else source.path
        if digest_input(source, memory).digest != self.files[location].digest:
            raise UsageError(
                f"'{source.text}' changed while the run went on; run again to use it as it is now"
            )
