"""The description of a step's run for the processes that the step starts: one environment variable, as JSON."""

from __future__ import annotations

import json
from typing import Final

__all__ = ["STEP_RUN", "read_step_run", "spell_step_run"]

STEP_RUN: Final = "PIPESPEC_STEP_RUN"


def spell_step_run(tracking_uri: str, run_id: str, experiment_id: str) -> str:
    """Return the text of the variable."""
    return json.dumps((tracking_uri, run_id, experiment_id))


def read_step_run(text: str) -> tuple[str, str, str]:
    """Return tracking URI, run id and experiment id."""
    tracking_uri, run_id, experiment_id = json.loads(text)
    return tracking_uri, run_id, experiment_id
