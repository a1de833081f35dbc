"""Rebuild the project of a past run in a work tree: its files, its pipeline, and the data that is not in git.

Takes a `RecordedRun` and the work tree. Returns the file of the pipeline. Data that is not in the work tree is linked
from the project, and results of other pipelines are fetched from the store. Refuses an input that has changed since, by
name and digest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pipespec.document.nodes import MappingNode
from pipespec.errors import PipespecError, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.compiling.compile_file import compile_file
from pipespec.operations.reproducing.rebuilt_document import rebuilt_document, replaced_input
from pipespec.operations.reproducing.recorded_models import recorded_models
from pipespec.operations.reproducing.recorded_run import RecordedRun, RecordedStep
from pipespec.plan.records import RecordedModel
from pipespec.plan.witness import NO_WITNESS, Trace, Witness, witness_from_manifest
from pipespec.project.digest_memory import DigestMemory
from pipespec.project.input_digests import digest_input
from pipespec.project.input_presence import ExternalInput, external_inputs, is_remote, matching_files
from pipespec.spec.pipeline_spec import DirInput, FileInput, FilesInput, PipelineSpec
from pipespec.state_folder import StateFolder
from pipespec.step.content_digest import digest_file
from pipespec.tracking.artifacts import local_path, localise
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.tracking.record_names import declared
from pipespec.tracking.run_facts import finished_record
from pipespec.views.document_view import to_yaml

__all__ = ["RebuiltProject", "rebuild"]


@frozen
class RebuiltProject:
    """The project at `root`, with the pipeline of each point in `files`, and the registered models that its inputs name.

    `notes` say what has changed but may not matter.
    """

    root: Path
    files: tuple[Path, ...]
    models: Mapping[str, RecordedModel]
    notes: tuple[str, ...] = ()


def rebuild(run: RecordedRun, tree: Path, project: Path, ledger: Ledger) -> RebuiltProject:
    """Build the project of a run in a work tree, to which its patch was applied. `project` is the real project root.

    Raises:
        UsageError: if an input is missing or has changed.
        StoreUnavailableError: if a result of another pipeline cannot be fetched.
    """
    root = tree / run.git.folder
    recorded = root / run.provenance.file
    recorded.parent.mkdir(parents=True, exist_ok=True)
    files = []
    for number, point in enumerate(run.points, 1):
        file = recorded.with_name(f"{recorded.stem}.reproduced{number if len(run.points) > 1 else ''}.yaml")
        steps = run.steps_at(point)
        document = rebuilt_document(point.document, steps, run.pipeline, str(file))
        file.write_text(to_yaml(_with_results(document, steps, project, ledger)), encoding="utf-8")
        _bring_inputs(file, steps, root, project)
        files.append(file)
    notes = tuple(dict.fromkeys(_bring_touched(run, root, project)))
    return RebuiltProject(root, tuple(files), recorded_models(run, project, ledger), notes)


def _bring_inputs(file: Path, steps: Mapping[str, RecordedStep], root: Path, project: Path) -> None:
    """Provide the external data of a pipeline, and refuse data that is not the same as the steps read."""
    spec = compile_file(file, trusted=True).spec
    if spec is None:
        raise UsageError(f"the recorded pipeline cannot be read by this version of pipespec: '{file.name}'")
    for source in external_inputs(spec.steps.values()).values():
        _bring(source, root, project)
    with DigestMemory(project) as memory:
        for step, source, digest in _external(steps, spec):
            _require_same(step, source, digest, root, project, memory)


# --------------------------------------------------------------------------- results of other pipelines


def _with_results(
    document: MappingNode, steps: Mapping[str, RecordedStep], project: Path, ledger: Ledger
) -> MappingNode:
    """Replace inputs from other pipelines by the very files that the run read from them."""
    found: dict[tuple[str, str], str] = {}
    for step_id, step in steps.items():
        for argument, entry in step.inputs():
            if "pipeline" in entry:
                place = _fetched(entry, project, ledger)
                known = found.setdefault((declared(step_id), argument), place)
                if known != place:
                    raise UsageError(
                        f"variants of step '{declared(step_id)}' read different results of '{entry['pipeline']}'; reproduce the run of"
                        " one of them"
                    )
    for (name, argument), place in found.items():
        key = "dir" if place.endswith("/") else "file"
        document = replaced_input(document, name, argument, key, place.rstrip("/"))
    return document


def _fetched(entry: Mapping[str, object], project: Path, ledger: Ledger) -> str:
    run_id, output = str(entry["run_id"]), str(entry["output"])
    facts = ledger.run(run_id)
    record = None if facts is None else finished_record(facts)
    if record is None or output not in record.outputs:
        raise UsageError(
            f"run {run_id[:8]} of pipeline '{entry['pipeline']}', whose output '{output}' was read, is not in the tracking store any"
            " more"
        )
    artifact = localise(
        recorded_artifact(record, output), StateFolder.of(project).made().downloads, ledger.tracking_uri
    )
    place = local_path(artifact.location)
    assert place is not None
    return f"{place}/" if artifact.location.endswith("/") else str(place)


# ------------------------------------------------------------------------------------------------ data


def _external(
    steps: Mapping[str, RecordedStep], spec: PipelineSpec
) -> Iterator[tuple[str, ExternalInput, str]]:
    """Yield the external inputs, each with the step that reads it and the digest that it had."""
    seen = set()
    for step_id, step in steps.items():
        # A variant that is known only from an output's list reads the same as the one entry that represents all
        # variants.
        same = (one for one in spec.steps.values() if one.name == declared(step_id))
        found = spec.steps.get(step_id) or next(same, None)
        inputs = {} if found is None else found.inputs
        for argument, entry in step.inputs():
            source = inputs[argument].source if argument in inputs else None
            if "external" in entry and isinstance(source, ExternalInput) and source not in seen:
                seen.add(source)
                yield step_id, source, str(entry["digest"])


def _bring(source: ExternalInput, root: Path, project: Path) -> None:
    """Link the parts of an input that are missing in the work tree."""
    match source:
        case FileInput(path=place):
            _link(Path(place), root, project)
        case DirInput(path=place):
            _link_folder(Path(place), root, project)
        case FilesInput(pattern=pattern):
            if not is_remote(pattern) and (twin := _twin(Path(pattern), root, project)) is not None:
                for path in matching_files(str(twin)).values():
                    _link(root / os.path.relpath(path, project), root, project)


def _twin(path: Path, root: Path, project: Path) -> Path | None:
    """Return the path in the project for a path in the work tree; None for a path outside."""
    if is_remote(str(path)) or not path.is_relative_to(root):
        return None
    return project / path.relative_to(root)


def _link(path: Path, root: Path, project: Path) -> None:
    twin = _twin(path, root, project)
    if twin is not None and twin.exists() and not os.path.lexists(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(twin)


def _link_folder(path: Path, root: Path, project: Path) -> None:
    """Link a folder that is missing. If git has a part of it, copy the rest, because no link may lead out of the folder."""
    twin = _twin(path, root, project)
    if twin is None or not twin.is_dir():
        return
    if not os.path.lexists(path):
        _link(path, root, project)
        return
    for folder, _, names in os.walk(twin):
        for name in names:
            _copy(path / os.path.relpath(Path(folder, name), twin), root, project)


def _require_same(
    step: str, source: ExternalInput, digest: str, root: Path, project: Path, memory: DigestMemory
) -> None:
    try:
        now = digest_input(_looked_at(source, root, project), memory).digest
    except (PipespecError, OSError) as error:
        raise UsageError(f"input of step '{step}': {error}; it was {digest[:16]} (sha256)") from error
    if now != digest:
        raise UsageError(
            f"input '{source.text}' of step '{step}' changed since: it was {digest[:16]} and is {now[:16]} (sha256); put the old content"
            " back to reproduce the run"
        )


def _looked_at(source: ExternalInput, root: Path, project: Path) -> ExternalInput:
    """Return a linked input with its path in the project, where its digest is cached."""
    match source:
        case FileInput(path=place) | DirInput(path=place) if Path(place).is_symlink():
            twin = _twin(Path(place), root, project)
            return source if twin is None else replace(source, path=str(twin))
        case _:
            return source


def _bring_touched(run: RecordedRun, root: Path, project: Path) -> Iterator[str]:
    """Provide files that functions opened directly, and yield those that have changed, or may have changed."""
    for step in run.steps.values():
        witness = _witness(step)
        by_itself = f"which step '{step.record.step}' read though it is no input"
        for one in witness.touched:
            if one.trace not in (Trace.FILE, Trace.KIND, Trace.SIZE, Trace.TIME):
                continue
            place = root / one.path
            _link(place, root, project)
            if one.trace is not Trace.FILE:
                continue
            if not place.is_file():
                yield f"'{one.path}', {by_itself}, is not there any more"
            elif one.digest and digest_file(place)[0] != one.digest:
                yield f"'{one.path}', {by_itself}, changed since"
        for path in witness.left_out:
            # A copy, because it may be a database to which the step writes.
            if _copy(root / path, root, project):
                yield f"'{path}', {by_itself}, was copied as it is now"


def _copy(place: Path, root: Path, project: Path) -> bool:
    twin = _twin(place, root, project)
    if twin is None or not twin.is_file() or os.path.lexists(place):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(twin, place)
    return True


def _witness(step: RecordedStep) -> Witness:
    try:
        return witness_from_manifest(step.manifest.get("witness"))
    except ValueError:
        return NO_WITNESS
