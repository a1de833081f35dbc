"""Interpret the tags of one MLflow run: it is a complete record, an attempt, or neither.

Pure, except `flaw`, which checks whether a record's local artifacts exist. Both ledgers use this module, so that one
rule decides what counts, however the facts were read.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path

from pipespec.errors import counted
from pipespec.frozen_values import frozen
from pipespec.plan.records import Attempt, OutputRecord, StepRecord
from pipespec.tracking import record_names

__all__ = [
    "RunFacts",
    "attempt",
    "complete_record",
    "contenders",
    "encode_outputs",
    "finished_record",
    "flaw",
    "generations",
    "parse_outputs",
    "precedence",
    "with_told_tags",
]


@frozen
class RunFacts:
    """One run that is not deleted, as recorded in the store. `status` is MLflow's term, times are POSIX seconds.

    `artifact_uri` is the store's value. If the project was moved, the files are now elsewhere.
    """

    run_id: str
    status: str
    started: float
    ended: float | None
    artifact_uri: str
    tags: Mapping[str, str]
    """By the names in `record_names`, independent of their spelling in the store."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    experiment_id: str = ""

    @property
    def own_params(self) -> Mapping[str, str]:
        """Those of the step, and of what it logged: all but the one that decides whether the run counts."""
        return {name: value for name, value in self.params.items() if name != record_names.OUTCOME}


def with_told_tags(facts: RunFacts) -> RunFacts:
    """Return facts whose tags have the store's spelling, by the names that they have here."""
    return replace(facts, tags=record_names.told(facts.tags))


def encode_outputs(outputs: Mapping[str, OutputRecord]) -> str:
    """Return the value of the tag `pipespec.outputs`: compact JSON, in declared order."""
    rows = {
        name: {
            "digest": output.digest,
            "bytes": output.bytes,
            "files": output.files,
            "file": output.file,
            **({"executable": output.executable} if output.executable else {}),
        }
        for name, output in outputs.items()
    }
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def parse_outputs(text: str) -> Mapping[str, OutputRecord]:
    """Return what `encode_outputs` wrote.

    Raises:
        ValueError: if it was changed by hand to something else.
    """
    rows = json.loads(text)
    if not isinstance(rows, dict):
        raise ValueError("outputs are a mapping")  # noqa: TRY004 - the same error for every invalid text
    try:
        return {name: _output(row) for name, row in rows.items()}
    except (KeyError, TypeError) as error:
        raise ValueError(f"an output has no {error}") from error


def _output(row: Mapping[str, object]) -> OutputRecord:
    digest, size, files, file = row["digest"], row["bytes"], row["files"], row["file"]
    if not (
        isinstance(digest, str) and isinstance(size, int) and isinstance(files, int) and isinstance(file, str)
    ):
        raise TypeError("digest, bytes, files and file as they were written")
    if file.startswith("/") or ".." in file.split("/"):
        raise TypeError("file below the run's own folder")
    executable = row.get("executable", [])
    if not (isinstance(executable, list) and all(isinstance(name, str) for name in executable)):
        raise TypeError("executable as it was written")
    return OutputRecord(digest, size, files, file, executable=tuple(executable))


def complete_record(facts: RunFacts) -> StepRecord | None:
    """Return the record of a run that was published, still without its outputs; None for any other run.

    Published means: FINISHED, a key that stands in both of its tags, a manifest, and not taken over before. A run
    without a key (`identity: none`) is no answer to any question.
    """
    key = facts.tags.get(record_names.KEY)
    if (
        facts.status != "FINISHED"
        or facts.ended is None
        or not key
        or record_names.MANIFEST not in facts.tags
        or record_names.TAKEN in facts.tags
    ):
        return None
    return StepRecord(
        run_id=facts.run_id,
        step=facts.tags.get(record_names.STEP, ""),
        key=key,
        outputs={},
        generation=_number(facts.tags.get(record_names.GENERATION)),
        started=facts.started,
        ended=facts.ended,
        artifact_uri=facts.artifact_uri,
        metrics=facts.metrics,
        experiment_id=facts.experiment_id,
    )


def finished_record(facts: RunFacts) -> StepRecord | None:
    """Return the record of a finished run, with or without a key, with its outputs; None if the outputs are not known."""
    text = facts.tags.get(record_names.OUTPUTS)
    if facts.status != "FINISHED" or facts.ended is None or text is None:
        return None
    try:
        outputs = parse_outputs(text)
    except ValueError:
        return None
    return StepRecord(
        run_id=facts.run_id,
        step=facts.tags.get(record_names.STEP, ""),
        key=facts.tags.get(record_names.KEY, ""),
        outputs=outputs,
        generation=_number(facts.tags.get(record_names.GENERATION)),
        started=facts.started,
        ended=facts.ended,
        artifact_uri=facts.artifact_uri,
        metrics=facts.metrics,
        experiment_id=facts.experiment_id,
    )


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0


def precedence(record: StepRecord) -> tuple[int, float, str]:
    """Sort key of complete runs with one key: the highest generation first; in the same generation, the first to end."""
    return -record.generation, record.ended, record.run_id


def attempt(facts: RunFacts) -> Attempt:
    """Return a run of ours in any state. Its key is the published key, otherwise the key that it claims."""
    return Attempt(
        run_id=facts.run_id,
        step=facts.tags.get(record_names.STEP, ""),
        status=facts.status,
        key=facts.tags.get(record_names.KEY) or record_names.claimed_key(facts.tags),
        owner=facts.tags.get(record_names.OWNER, ""),
        lease=facts.tags.get(record_names.LEASE, ""),
        started=facts.started,
        ended=facts.ended,
        artifact_uri=facts.artifact_uri,
        metrics=facts.metrics,
        experiment_id=facts.experiment_id,
        pipeline=facts.tags.get(record_names.PIPELINE, ""),
        steps=facts.tags.get(record_names.STEPS, ""),
    )


def generations(candidates: Iterable[tuple[str, RunFacts]]) -> Mapping[str, int]:
    """Return the highest generation of each key among runs that were published under it, even if their artifacts are lost."""
    highest: dict[str, int] = {}
    for key, facts in candidates:
        record = complete_record(facts)
        if record is not None and record.key == key:
            highest[key] = max(record.generation, highest.get(key, record.generation))
    return highest


def contenders(claims: tuple[Attempt, ...], mine: str) -> tuple[Attempt, ...]:
    """Return the live claims of one key that come before the run `mine`. If the result is empty, the run may continue.

    The earlier (start, run id) comes first: every process sees the same order, whatever its clock. Call it once after
    `Recorder.start` and once more before `Recorder.publish`, and look for a complete run each time.
    """
    order = sorted(claims, key=lambda claim: (claim.started, claim.run_id))
    before = [claim.run_id for claim in order]
    return tuple(order[: before.index(mine)]) if mine in before else tuple(order)


def flaw(record: StepRecord, folder: Path) -> str | None:
    """Say which of a record's files in a local folder is gone or has another size; None if all are there.

    One stat per file; the files of a directory are counted. Content is compared when it is read.
    """
    if not os.path.isfile(f"{folder}/{record_names.MANIFEST_FILE}"):  # noqa: PTH113 - a third of the time, for 1,000 runs
        return f"'{record_names.MANIFEST_FILE}' no longer exists"
    for name, output in record.outputs.items():
        problem = _directory_flaw(folder, output) if output.file.endswith("/") else _file_flaw(folder, output)
        if problem is not None:
            return f"output '{name}': {problem}"
    return None


def _file_flaw(folder: Path, output: OutputRecord) -> str | None:
    try:
        status = os.stat(f"{folder}/{output.file}")  # noqa: PTH116 - as above
    except OSError:
        return f"'{output.file}' no longer exists"
    if not stat.S_ISREG(status.st_mode):
        return f"'{output.file}' is no longer a file"
    size = status.st_size
    found = counted(size, "byte")
    return None if size == output.bytes else f"'{output.file}' has {found}, not {output.bytes}"


def _directory_flaw(folder: Path, output: OutputRecord) -> str | None:
    try:
        count = _count_files(folder / output.file)
    except OSError:
        return f"'{output.file}' no longer exists" if output.files else None
    found = counted(count, "file")
    return None if count == output.files else f"'{output.file}' has {found}, not {output.files}"


def _count_files(folder: Path) -> int:
    count, waiting = 0, [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    count += 1
    return count
