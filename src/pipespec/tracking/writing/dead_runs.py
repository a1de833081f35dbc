"""End the runs of dead processes: runs with a complete result become FINISHED, the others KILLED.

Takes runs that were RUNNING when they were read. Returns the ids of those that have ended. `Recorder.dead` says which processes
are dead. Whether a run is taken over or counts is decided permanently before it is ended. Therefore a process that was only cut
off cannot publish its result later beside the one that was computed instead.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from pipespec.errors import PipespecError, StoreUnavailableError
from pipespec.plan.records import Attempt
from pipespec.tracking import record_names
from pipespec.tracking.artifacts import verify
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.record_artifacts import recorded_artifact
from pipespec.tracking.run_facts import RunFacts, complete_record, parse_outputs
from pipespec.tracking.writing.recorder import Recorder

__all__ = ["settle_dead"]


def settle_dead(
    attempts: Collection[Attempt], ledger: Ledger, recorder: Recorder, downloads: Path
) -> tuple[str, ...]:
    """End the runs of dead processes, and return the ids of those that have ended by now.

    Remote artifacts that are read to compare their digests are kept in the folder `downloads`.

    Raises:
        StoreUnavailableError: if the store cannot be read or written.
    """
    return tuple(
        attempt.run_id
        for attempt in recorder.dead(attempts)
        if _has_ended(attempt, ledger, recorder, downloads)
    )


def _has_ended(attempt: Attempt, ledger: Ledger, recorder: Recorder, downloads: Path) -> bool:
    # Read again: it may have ended by itself before its process did, or its lease was renewed at the last moment.
    facts = ledger.run(attempt.run_id)
    if facts is None or facts.status != "RUNNING":
        return True
    if facts.tags.get(record_names.LEASE, "") != attempt.lease:
        return False
    try:
        if _is_whole(facts, ledger, downloads):
            recorder.roll_forward(facts.run_id)
            return True
        return recorder.take_over(facts.run_id, has_key=attempt.key is not None)
    except StoreUnavailableError:
        raise
    except PipespecError:  # deleted meanwhile, which has the same effect
        return True


def _is_whole(facts: RunFacts, ledger: Ledger, downloads: Path) -> bool:
    """Return whether only the end of a run is missing: it has key, manifest, and outputs with the recorded content."""
    record = complete_record(replace(facts, status="FINISHED", ended=facts.started))
    if (
        record is None
        or record_names.key_tag(record.key) not in facts.tags
        or record_names.DAMAGED in facts.tags
    ):
        return False
    try:
        outputs = parse_outputs(json.dumps(ledger.manifest(record).get("outputs")))
        for name in outputs:
            verify(recorded_artifact(replace(record, outputs=outputs), name), downloads, ledger.tracking_uri)
    except StoreUnavailableError:
        raise
    except (PipespecError, OSError, ValueError):
        return False
    return True
