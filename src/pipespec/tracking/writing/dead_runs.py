"""What becomes of the runs of dead processes: those whose result is whole are finished, the others end as KILLED.

Takes runs that were RUNNING when they were read; gives the ids of those that are not any more. A process counts as dead as
`Recorder.dead` says. That a run is taken over, or counts, is decided for good before it is ended, so a process that was only
cut off and comes back cannot publish it beside what was computed instead.
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

    What is read of remote artifacts to compare their digests is kept in the folder `downloads`.

    Raises:
        StoreUnavailableError: where the store cannot be asked or written.
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
    except PipespecError:  # deleted meanwhile, which is as good
        return True


def _is_whole(facts: RunFacts, ledger: Ledger, downloads: Path) -> bool:
    """Say whether a run has all of its result but its end: key, manifest, and outputs with the content that they recorded."""
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
