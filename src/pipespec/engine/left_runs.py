"""Runs that a process left RUNNING when it died: finished or marked KILLED, their logs cleaned, and what was half written removed.

Takes runs of ours and determines which of them were left. A run is not touched if its process is alive, or cannot be
known from here to be dead.
"""

from __future__ import annotations

from collections.abc import Collection

from pipespec.plan.records import Attempt
from pipespec.state_folder import StateFolder
from pipespec.step.secrets import Redactor
from pipespec.step.step_log import clean_log
from pipespec.tracking.artifacts import sweep_temporaries
from pipespec.tracking.reading.ledger import Ledger
from pipespec.tracking.writing.dead_runs import settle_dead
from pipespec.tracking.writing.recorder import Recorder

__all__ = ["settle"]


def settle(
    attempts: Collection[Attempt],
    ledger: Ledger,
    recorder: Recorder,
    state: StateFolder,
    redact: Redactor,
) -> tuple[str, ...]:
    """End the runs of dead processes, remove the secrets from the logs that they left, and return their ids.

    Raises:
        StoreUnavailableError: if the store cannot be read or written.
    """
    dead = settle_dead(attempts, ledger, recorder, state.downloads)
    for attempt in attempts:
        if attempt.run_id in dead:
            clean_log(state.log_of(attempt.run_id), redact)
            sweep_temporaries(attempt.artifact_uri)
    return dead
