"""Read what was recorded: logs of attempts, outputs of complete runs.

Takes a ledger and what to look for. Returns text, bytes or paths. Content is compared with the digest that its run
recorded, whatever store it comes from.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pipespec.errors import PipespecError, UsageError
from pipespec.operations.planning.output_requests import (
    OutputRequest,
    one_request,
    requested_artifact,
    requests,
)
from pipespec.operations.planning.pipeline_session import PipelineSession
from pipespec.operations.planning.refused_content import noting_refusal
from pipespec.spec.pipeline_spec import PipelineSpec
from pipespec.state_folder import StateFolder
from pipespec.step import formats
from pipespec.tracking import artifacts
from pipespec.tracking.models.mlflow_models import MlflowModels

__all__ = ["fetch_outputs", "load_model", "load_path", "local_output", "read_output"]


def fetch_outputs(
    session: PipelineSession, reference: str, to: Path | None, *, force: bool
) -> tuple[Path, ...]:
    """Copy the outputs that a reference means, and return the copies.

    One output is copied to `to`, or into it if that is a folder; without `to`, to the working directory. Several are
    copied below `to`, each into a folder named after its step.

    Raises:
        UsageError: if there is no such output, or something else exists at the destination.
    """
    found = requests(session, reference)
    folder = Path() if to is None else to
    if "[*]" in reference:
        if to is None:
            raise UsageError(f"'{reference}' may mean several outputs; name a folder to fetch them to")
        if os.path.lexists(folder) and not folder.is_dir():
            raise UsageError(f"'{to}' is a file, and several outputs need a folder")
        return tuple(
            _fetched(session, request, folder / request.step.replace("/", "_"), force=force, is_below=True)
            for request in found
        )
    return (_fetched(session, found[0], folder, force=force, is_below=folder.is_dir()),)


def _fetched(
    session: PipelineSession, request: OutputRequest, to: Path, *, force: bool, is_below: bool
) -> Path:
    artifact = requested_artifact(session.ledger, request)
    target = to / artifact.name if is_below else to
    downloads = _downloads(session.spec)
    with _noting(session, request):
        artifacts.fetch(artifact, target, downloads, session.ledger.tracking_uri, replace_other=force)
    return target


def _noting(session: PipelineSession, request: OutputRequest) -> AbstractContextManager[None]:
    words = ["pipespec", "run", session.source.name, request.step, "--verify"]
    remedy = None if request.is_named else shlex.join(words)
    return noting_refusal(session.spec, session.ledger, request.record, remedy=remedy)


def local_output(session: PipelineSession, reference: str) -> Path:
    """Return a local path of an output whose content is checked; if the store is remote, that of a download."""
    request = one_request(session, reference)
    artifact = requested_artifact(session.ledger, request)
    with _noting(session, request):
        return artifacts.verified_path(artifact, _downloads(session.spec), session.ledger.tracking_uri)


def read_output(session: PipelineSession, reference: str) -> bytes:
    """Return the content of an output that is a file.

    Raises:
        UsageError: if it is a directory.
    """
    path = local_output(session, reference)
    if path.is_dir():
        raise UsageError(f"'{reference}' is a directory; give a path to copy it to")
    return path.read_bytes()


def load_path(path: Path, as_type: type | None) -> Any:
    """Load a local file according to its suffix, or as a type.

    Raises:
        UsageError: if it cannot be loaded in this way.
    """
    if path.is_dir() or as_type is Path or formats.gives_path(path.name, as_type):
        return path
    try:
        return formats.load(path, path.name, as_type, {})
    except PipespecError as error:
        raise UsageError(str(error)) from error


def load_model(path: Path, as_type: type | None, spec: PipelineSpec) -> Any:
    """Load an MLflow model.

    From then on, the project's modules can be imported, as in a step. The files at the path are not changed.

    Raises:
        UsageError: if it cannot be loaded.
    """
    copy = Path(tempfile.mkdtemp(prefix="pipespec-model-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)  # an object may read its files when it is used
    shutil.copytree(path, copy, dirs_exist_ok=True)
    sys.path.extend(str(folder) for folder in spec.module_folders if str(folder) not in sys.path)
    try:
        return MlflowModels().load(copy, as_type, {})
    except PipespecError as error:
        raise UsageError(str(error)) from error


def _downloads(spec: PipelineSpec) -> Path:
    return StateFolder.of(spec.root).downloads
