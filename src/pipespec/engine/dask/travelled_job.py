"""Convert a job for a machine with a copy of the project: the same job with other paths. Pure."""

from __future__ import annotations

from dataclasses import replace

from pipespec.step.step_job import InputJob, StepJob
from pipespec.tracking.artifacts import local_path

__all__ = ["local_store", "travelled"]


def travelled(job: StepJob, root: str, folder: str) -> StepJob:
    """Return a job whose project is at `root`, and which writes into `folder`.

    Its sources are those of the copy, which contains them as they were planned.
    """

    def moved(path: str) -> str:
        below = path.removeprefix(f"{job.root}/")
        return root if path == job.root else path if below == path else f"{root}/{below}"

    def moved_input(one: InputJob) -> InputJob:
        artifacts = tuple(replace(artifact, location=moved(artifact.location)) for artifact in one.artifacts)
        return replace(one, artifacts=artifacts)

    witness = job.witness
    return replace(
        job,
        root=root,
        module_folders=tuple(map(moved, job.module_folders)),
        staging=f"{folder}/staging",
        log=f"{folder}/log.txt",
        downloads=f"{root}.downloads",
        inputs=tuple(map(moved_input, job.inputs)),
        code_files={moved(file): digest for file, digest in job.code_files.items()},
        code_folder="",
        witness=None
        if witness is None
        else replace(
            witness,
            root=root,
            folders=tuple(map(moved, witness.folders)),
            covered=tuple(map(moved, witness.covered)),
            not_data=(*map(moved, witness.not_data), folder, f"{root}.downloads"),
            counted_files=tuple(map(moved, witness.counted_files)),
        ),
    )


def local_store(job: StepJob) -> str | None:
    """Return the folder or file on the user's machine to which a job's results are written; None if they go to a server."""
    for uri in (job.artifact_uri, job.tracking_uri):
        path = None if uri is None else local_path(uri.removeprefix("sqlite:///"))
        if path is not None:
            return str(path)
    return None
