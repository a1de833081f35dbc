"""What a run's tags say: facts of one MLflow run -> a complete record, an attempt, or neither.

Pure but for `flaw`, which looks whether a record's local artifacts are there. Both ledgers share this, so
that one rule decides what counts, however the facts were read.
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
    """One run that is not deleted, as the store tells it; `status` is MLflow's word, times are POSIX seconds.

    `artifact_uri` is the store's, which for a project that was moved is not where the files are now.
    """

    run_id: str
    status: str
    started: float
    ended: float | None
    artifact_uri: str
    tags: Mapping[str, str]
    """By the names of `record_names`, however a store spells them."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    experiment_id: str = ""


def with_told_tags(facts: RunFacts) -> RunFacts:
    """Return facts whose tags stand as a store spells them, by the names that they have here."""
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
        ValueError: where a hand changed it to something else.
    """
    rows = json.loads(text)
    if not isinstance(rows, dict):
        raise ValueError("outputs are a mapping")  # noqa: TRY004 - one kind of error for a bad text
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
    """Return the record of a run that was published, still without its outputs, or None for one that was not.

    Published means: FINISHED, a key that stands in both of its tags, and a manifest. A run without a key
    (`identity: none`) is no answer to any question.
    """
    key = facts.tags.get(record_names.KEY)
    if (
        facts.status != "FINISHED"
        or facts.ended is None
        or not key
        or record_names.MANIFEST not in facts.tags
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
    """Return the record of a finished run that bears a key or none, with its outputs, or None where they are not told."""
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
    """Sort key of complete runs with one key: the highest generation first, in it the earliest to end."""
    return -record.generation, record.ended, record.run_id


def attempt(facts: RunFacts) -> Attempt:
    """Return a run of ours in any state; its key is the published one, or else the one that it claims."""
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
    )


def generations(candidates: Iterable[tuple[str, RunFacts]]) -> Mapping[str, int]:
    """Return the highest generation of each key among runs that were published under it, whole or not."""
    highest: dict[str, int] = {}
    for key, facts in candidates:
        record = complete_record(facts)
        if record is not None and record.key == key:
            highest[key] = max(record.generation, highest.get(key, record.generation))
    return highest


def contenders(claims: tuple[Attempt, ...], mine: str) -> tuple[Attempt, ...]:
    """Return those live claims of one key that come before the run `mine`; empty means that it may go on.

    The earlier (start, run id) goes first: every process sees the same order, whatever its clock says. Ask
    once after `Recorder.start` and once more before `Recorder.publish`, each time looking for a complete run too.
    """
    order = sorted(claims, key=lambda claim: (claim.started, claim.run_id))
    before = [claim.run_id for claim in order]
    return tuple(order[: before.index(mine)]) if mine in before else tuple(order)


def flaw(record: StepRecord, folder: Path) -> str | None:
    """Say what of a record's files in a local folder is gone or has another size; None when all is there.

    One stat a file; of a directory the files are counted. Content is compared when it is read.
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
