"""Read what is recorded of a past run, as far as it is needed to run it again.

Takes a ledger and the user's name for the run of an invocation or a step. Returns a `RecordedRun`. Refuses, before
anything is created, a run about which not enough is known.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Final

from pipespec.document.nodes import JSON
from pipespec.document.wording import listing
from pipespec.errors import PipespecError, StoreUnavailableError, UsageError
from pipespec.frozen_values import frozen
from pipespec.operations.planning.named_run import find_run, require_ours
from pipespec.plan.provenance import GitProvenance, Provenance, parse_provenance
from pipespec.plan.records import StepRecord
from pipespec.tracking import record_names
from pipespec.tracking.artifacts import read
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.run_facts import RunFacts, finished_record

__all__ = ["RecordedPoint", "RecordedRun", "RecordedStep", "recorded_run"]

_MADE: Final = ("ran", "reused")


@frozen
class RecordedStep:
    """One finished run of a step: its record, and its manifest."""

    record: StepRecord
    manifest: Mapping[str, JSON]

    @property
    def seed(self) -> int | None:
        """The seed of its random numbers."""
        seed = self.manifest.get("seed")
        return seed if isinstance(seed, int) else None

    def inputs(self) -> Iterator[tuple[str, Mapping[str, JSON]]]:
        """Yield what it read, by argument."""
        told = self.manifest.get("inputs")
        for argument, entries in (told if isinstance(told, dict) else {}).items():
            for entry in entries if isinstance(entries, list) else [entries]:
                if isinstance(entry, dict):
                    yield argument, entry


@frozen
class RecordedPoint:
    """A resolved pipeline (for a sweep, that of one point) with its recorded steps: id in it -> id in the merged pipeline."""

    document: str
    steps: Mapping[str, str]


@frozen
class RecordedRun:
    """A run. `steps` are by id in the merged pipeline of its points; `packages` are as `pip freeze` lists them."""

    run_id: str
    pipeline: str
    invocation: str
    provenance: Provenance
    git: GitProvenance
    patch: bytes
    points: tuple[RecordedPoint, ...]
    packages: tuple[str, ...]
    steps: Mapping[str, RecordedStep]

    def steps_at(self, point: RecordedPoint) -> Mapping[str, RecordedStep]:
        """Return the steps of one point by their ids there."""
        return {step: self.steps[whole] for step, whole in point.steps.items()}


def recorded_run(name: str, ledger: Ledger) -> RecordedRun:
    """Read what is recorded of a run.

    Raises:
        UsageError: if there is no such run, or its records are not sufficient to run it again.
        StoreUnavailableError: if the store cannot be read.
    """
    start = find_run(name, ledger)
    require_ours(start)
    invocation = _invocation(start, ledger)
    provenance = _provenance(invocation, ledger)
    git = _git(invocation, provenance)
    patch = _patch(invocation, git, ledger)
    missing = [name for name in provenance.secrets if name not in os.environ]
    if missing:
        raise UsageError(f"secrets of the pipeline are not set in the environment: {listing(missing)}")
    steps = _steps_of(start, ledger) if record_names.STEP in start.tags else _all_steps(invocation, ledger)
    packages = (_file(invocation, record_names.PACKAGES_FILE, ledger) or b"").decode("utf-8", "replace")
    return RecordedRun(
        start.run_id,
        start.tags[record_names.PIPELINE],
        invocation.run_id,
        provenance,
        git,
        patch,
        _points(invocation, provenance, steps, ledger),
        tuple(packages.splitlines()),
        steps,
    )


def _points(
    invocation: RunFacts, provenance: Provenance, steps: Mapping[str, RecordedStep], ledger: Ledger
) -> tuple[RecordedPoint, ...]:
    """Return the pipelines that contain the steps: for a sweep, first those points that have any of them."""
    if not provenance.is_sweep:
        document = _file(invocation, record_names.PIPELINE_FILE, ledger)
        if document is None:
            raise UsageError(
                f"{_named(invocation)} is of a rendered Luigi module; run that module again instead"
            )
        return (RecordedPoint(document.decode("utf-8", "replace"), {step: step for step in steps}),)
    told = json.loads(_file(invocation, record_names.SWEEP_FILE, ledger) or '{"points": []}')["points"]
    points, left = [], set(steps)
    for point in told:
        has = {step: whole for step, whole in point["steps"].items() if whole in left}
        if has and "document" in point:
            points.append(RecordedPoint(point["document"], has))
            left -= {*has.values()}
    if left:
        raise UsageError(
            f"{_named(invocation)} is a sweep of which the pipelines at the points were too large to keep; run one point with --set, and"
            " reproduce that run"
        )
    return tuple(points)


def _named(run: RunFacts) -> str:
    return f"run {run.run_id[:8]}"


def _invocation(start: RunFacts, ledger: Ledger) -> RunFacts:
    """Return the invocation to which a run belongs: itself, or that of a step, which must have finished."""
    if record_names.STEP not in start.tags:
        return start
    if finished_record(start) is None:
        step = start.tags[record_names.STEP]
        raise UsageError(
            f"{_named(start)} of step '{step}' did not finish, so it has no results to reproduce"
        )
    run_id = start.tags.get(record_names.INVOCATION, "")
    found = ledger.run(run_id) if run_id else None
    if found is None:
        raise UsageError(
            f"the invocation of {_named(start)}, which has its pipeline and commit, is not in the tracking store any more"
        )
    return found


def _provenance(invocation: RunFacts, ledger: Ledger) -> Provenance:
    text = _file(invocation, record_names.PROVENANCE_FILE, ledger)
    if text is None:
        raise UsageError(
            f"{_named(invocation)} has no '{record_names.PROVENANCE_FILE}': it was recorded by an earlier version of pipespec, which"
            " did not keep what is needed; reproduce a newer run"
        )
    try:
        return parse_provenance(text)
    except ValueError as error:
        raise UsageError(f"'{record_names.PROVENANCE_FILE}' of {_named(invocation)}: {error}") from error


def _git(invocation: RunFacts, provenance: Provenance) -> GitProvenance:
    git = provenance.git
    if git is None:
        raise UsageError(
            f"{_named(invocation)} was made without a git commit, so its code is not recorded; commit the project, and reproduce a"
            " later run"
        )
    if not git.patch.is_whole:
        raise UsageError(
            f"the changes that were not committed when {_named(invocation)} was made were too large to keep; commit large files, or let"
            " git ignore them, and reproduce a later run"
        )
    if git.patch.counted:
        path = git.patch.counted[0]
        why = git.patch.left_out[path]
        raise UsageError(
            f"what was not committed of '{path}' was not recorded with {_named(invocation)}, because {why}; reproduce a run that was made"
            " after it was committed"
        )
    return git


def _patch(invocation: RunFacts, git: GitProvenance, ledger: Ledger) -> bytes:
    patch = _file(invocation, record_names.PATCH_FILE, ledger) or b""
    if hashlib.sha256(patch).hexdigest() != git.patch.digest:
        raise UsageError(
            f"'{record_names.PATCH_FILE}' of {_named(invocation)} is gone, or is not what was recorded"
        )
    return patch


def _file(facts: RunFacts, name: str, ledger: Ledger) -> bytes | None:
    try:
        return read(facts.artifact_uri, name, ledger.tracking_uri)
    except FileNotFoundError:
        return None


def _all_steps(invocation: RunFacts, ledger: Ledger) -> Mapping[str, RecordedStep]:
    """Return the steps that an invocation executed or reused."""
    text = _file(invocation, record_names.RUN_FILE, ledger)
    if text is None:
        raise UsageError(
            f"{_named(invocation)} has not ended, or was killed; reproduce the run of one of its steps"
        )
    told = json.loads(text)["steps"]
    run_ids = {step["step"]: step["run_id"] for step in told if step["state"] in _MADE and step["run_id"]}
    if not run_ids:
        raise UsageError(f"no step of {_named(invocation)} finished, so there are no results to reproduce")
    found = ledger.runs(set(run_ids.values()))
    return {step: _step(step, found.get(run_id), run_id, ledger) for step, run_id in run_ids.items()}


def _steps_of(start: RunFacts, ledger: Ledger) -> Mapping[str, RecordedStep]:
    """Return the step of a run, and the steps of its pipeline from which it was produced, level by level."""
    steps: dict[str, RecordedStep] = {}
    level: Mapping[str, RunFacts | None] = {start.run_id: start}
    while level:
        wanted: set[str] = set()
        for run_id, facts in level.items():
            step = _step("a step upstream", facts, run_id, ledger)
            steps.setdefault(step.record.step, step)
            wanted |= {
                str(entry["run_id"])
                for _, entry in step.inputs()
                if "run_id" in entry and entry.keys().isdisjoint({"pipeline", "model"})
            }
        found = ledger.runs(wanted - {step.record.run_id for step in steps.values()})
        level = {
            run_id: found.get(run_id) for run_id in wanted if run_id in found or not _known(run_id, steps)
        }
    return dict(reversed(steps.items()))


def _known(run_id: str, steps: Mapping[str, RecordedStep]) -> bool:
    return any(step.record.run_id == run_id for step in steps.values())


def _step(name: str, facts: RunFacts | None, run_id: str, ledger: Ledger) -> RecordedStep:
    record = None if facts is None else finished_record(facts)
    if record is None:
        raise UsageError(
            f"run {run_id[:8]} of {name} is not in the tracking store any more, so there is nothing to compare with"
        )
    try:
        return RecordedStep(record, ledger.manifest(record))
    except StoreUnavailableError:
        raise
    except PipespecError as error:
        raise UsageError(f"run {run_id[:8]} of step '{record.step}' is damaged: {error}") from error
